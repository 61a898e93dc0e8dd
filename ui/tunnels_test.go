package ui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
	"sallyport/config"
)

// night is an afternoon whose tunnels have a past.
func night() api.Snapshot {
	s := afternoon()
	for i := range s.Tunnels {
		t := &s.Tunnels[i]
		t.Since, t.Opened = morning.Add(-time.Duration(i+1)*47*time.Minute), morning.Add(-3*time.Hour)
	}
	s.Tunnels[0].Dial = 21 * time.Millisecond
	s.Tunnels[0].LastError = &api.Failure{Message: `"targaryen" could not connect to targaryen:8080: connection refused`, Hint: "ssh targaryen ss -ltn", At: morning.Add(-time.Minute)}
	s.Tunnels[2].FreePort = 8081
	return s
}

// busyRecord is what is known of a tunnel with a past.
func busyRecord() api.TunnelRecord {
	refused := &api.Failure{Message: "connection refused"}
	return api.TunnelRecord{
		Connections: []api.TunnelConnection{
			{Number: 1, Since: morning.Add(-2 * time.Hour), Ended: morning.Add(-time.Hour), Client: "127.0.0.1:40001", Target: "targaryen:8080", Dial: 20 * time.Millisecond, Sent: 812, Received: 120_000},
			{Number: 2, Since: morning.Add(-time.Minute), Ended: morning.Add(-time.Minute), Process: "curl", PID: 901, Target: "targaryen:8080", Failure: refused},
			{Number: 3, Since: morning.Add(-50 * time.Second), Process: "firefox", PID: 4711, Target: "targaryen:8080", Dial: 21 * time.Millisecond, Sent: 11_000, Received: 3_300_000},
			{Number: 4, Since: morning.Add(-9 * time.Second), Client: "127.0.0.1:40009", Target: "targaryen:8080", Sent: 5},
		},
		Log: []api.TunnelEntry{
			{Time: morning.Add(-3 * time.Hour), State: api.TunnelUp, Times: 1},
			{Time: morning.Add(-2 * time.Hour), State: api.TunnelWaiting, Message: "the connection to targaryen was lost", Times: 1},
			{Time: morning.Add(-47 * time.Minute), State: api.TunnelUp, Times: 1},
			{Time: morning.Add(-time.Minute), Message: "connection refused", Hint: "ssh targaryen ss -ltn", Times: 12},
		},
	}
}

func TestTheTunnelsPageIsAsItWasApproved(t *testing.T) {
	for _, c := range []struct {
		name  string
		snap  api.Snapshot
		inv   func() *fakeInventory
		keys  []string
		lists string // before the keys
		sees  string
	}{
		{name: "tunnels", snap: night(), keys: []string{"jj"}, lists: "3 of 4", sees: "▌[ ] L 8888"},
		{name: "tunnels-off", lists: "0 of 4", sees: "▌[ ]"},
		{name: "tunnels-none", inv: func() *fakeInventory { return &fakeInventory{names: []string{"crab"}} }, lists: "No host has", sees: "n makes one"},
		{name: "tunnels-record", snap: night(), keys: []string{"j", "Enter"}, lists: "3 of 4", sees: "firefox"},
		{name: "tunnels-new", snap: night(), keys: []string{"jn", "8080:gpu3:80"}, lists: "3 of 4", sees: "● L 8080 → gpu3:80"},
		{name: "tunnels-ask", snap: night(), keys: []string{"j", " "}, lists: "3 of 4", sees: "Keep it"},
	} {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h), func(t *testing.T) {
				t.Parallel()
				f := newFake()
				f.record = busyRecord()
				if c.inv != nil {
					f.inv = c.inv
				}
				st := perform(t, f, size.w, size.h, Options{})
				st.sees("Hosts")
				st.loses("Reading")
				st.snapshot(c.snap)
				if len(c.snap.Links) > 0 {
					st.sees("refused")
				}
				st.keys("2")
				st.sees(c.lists)
				st.keys(c.keys...)
				st.sees(c.sees)
				st.golden(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h))
			})
		}
	}
}

func onTunnels(t *testing.T, f *fake) *stage {
	st := perform(t, f, 120, 34, Options{})
	st.sees("targaryen")
	st.snapshot(night())
	st.keys("2")
	st.sees("3 of 4 on")
	return st
}

func TestKeysOfTheTunnelsPage(t *testing.T) {
	for _, row := range []struct {
		name  string
		keys  []string
		calls []string
		sees  string
	}{
		{"space switches on", []string{"jj", " "}, []string{"tunnel targaryen 8888 true"}, "[x] L 8888"},
		{"what nobody uses goes off at once", []string{"jjj", " "}, []string{"tunnel targaryen 1080 false"}, "[ ] D 1080"},
		{"what somebody uses asks once", []string{"j", " ", "s", "Enter"}, []string{"tunnel targaryen 8080 false"}, "closing…"},
		{"and can be kept", []string{"j", " ", "k", "Enter"}, nil, "[x] L 8080"},
		{"o opens the page", []string{"j", "o"}, []string{"browse http://localhost:8080/"}, "Opening http://localhost:8080/"},
		{"which one that is off has not", []string{"jj", "o"}, nil, "It is off: Space switches it on."},
		{"nor has a proxy", []string{"jjj", "o"}, nil, "Only the page behind a local forward"},
		{"y copies the address", []string{"jjj", "y"}, nil, "Copied: socks5h://localhost:1080"},
		{"f takes the free port", []string{"f"}, []string{"tunnel got-bastion 8081 true", "tunnel got-bastion 8080 false"}, "It listens on port 8081 now."},
		{"where the port is taken", []string{"jf"}, nil, "Its port is not taken by another program."},
		{"a has it end with the process", []string{"jjj", "a"}, []string{"tunnel targaryen 1080 true once"}, "does not come back by itself"},
		{"which one that is off does anyway", []string{"jj", "a"}, nil, "Space switches it on."},
		{"Enter tells of connections", []string{"j", "Enter"}, []string{"record t8080"}, "Connections"},
		{"and Esc goes back", []string{"j", "Enter", "Esc"}, nil, "3 of 4 on"},
		{"n opens what was typed", []string{"jn", "9000:gpu3:80", "Enter"}, []string{"tunnel targaryen 9000 true"}, ""},
		{"a port alone is that of the host", []string{"n", "8888", "Enter"}, []string{"tunnel got-bastion 8888 true"}, ""},
		{"what is no forward stays there", []string{"n", "80:90", "Enter"}, nil, `"80:90" is no local forward`},
		{"and so does a host that is none", []string{"n", "Tab", "Tab", "Tab", "Tab", "x", "Tab", "80", "Enter"}, nil, "No host of the configuration has this name."},
		{"w writes it down after the diff", []string{"jn", "9000:gpu3:80", "Tab", "Tab", "Enter", "y"}, []string{"tunnel targaryen 9000 true", "save " + configFile}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.record = busyRecord()
			st := onTunnels(t, f)
			for _, k := range row.keys {
				if k == "y" && len(row.calls) == 2 {
					st.sees("Write "+configFile+"?", "drogon")
				}
				st.keys(k)
			}
			for _, call := range row.calls {
				st.expects(call)
			}
			if row.sees != "" {
				st.sees(row.sees)
			}
			if row.calls == nil && len(tunnelCalls(st)) > 0 {
				t.Errorf("it did %q", tunnelCalls(st))
			}
		})
	}
}

// tunnelCalls are the calls that change or open something.
func tunnelCalls(st *stage) (out []string) {
	for _, c := range st.made() {
		if strings.HasPrefix(c, "tunnel ") || strings.HasPrefix(c, "browse ") || strings.HasPrefix(c, "save ") {
			out = append(out, c)
		}
	}
	return out
}

// TestANewTunnelIsWrittenIntoARealFile goes through the form, the proof and
// the diff of the real configuration.
func TestANewTunnelIsWrittenIntoARealFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("Host crab\n    HostName crab.example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := config.Paths{User: path, Home: filepath.Dir(path), Explicit: true}
	f := newFake()
	f.read = func() inventory { return api.ReadInventory(p) }
	f.save = func(ctx context.Context, c *api.Change) error { return c.Apply(ctx, t.TempDir()) }
	st := perform(t, f, 100, 30, Options{})
	st.sees("crab")
	st.keys("2n", "8080:localhost:80", "Tab", "Tab", "Enter")
	st.sees("+    LocalForward 8080 localhost:80")
	st.keys("y")
	st.sees("Written:", "L 8080 → localhost:80")
	text, err := os.ReadFile(path)
	if want := "Host crab\n    HostName crab.example.org\n    LocalForward 8080 localhost:80\n"; err != nil || string(text) != want {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func TestAClickOnTheBoxOfATunnelSwitchesIt(t *testing.T) {
	st := onTunnels(t, newFake())
	st.click("[ ] L 8888")
	st.expects("tunnel targaryen 8888 true")
}

// BenchmarkTunnelsKey is a key press on the page with a forward of each of
// 10,000 hosts.
func BenchmarkTunnelsKey(b *testing.B) {
	term := newRecordedScreen(120, 34)
	if err := term.Init(); err != nil {
		b.Fatal(err)
	}
	s := newScreen(b.Context(), newFake(), Options{})
	s.term = &opened{Screen: term}
	names := manyNames(10_000)
	s.setInventory(&fakeInventory{names: names}, false)
	for i, name := range names {
		spec := api.TunnelSpec{Kind: api.LocalForward, Listen: api.Address{Network: "tcp", Port: 1024 + i}, Connect: api.Address{Network: "tcp", Host: "localhost", Port: 8888}}
		s.board.all = append(s.board.all, api.HostForwards{Host: name, Forwards: []api.Forward{{ID: fmt.Sprint(i), Spec: spec}}})
	}
	s.board.of, s.board.read = s.inv, true
	s.show(tunnelsPage)
	for b.Loop() {
		s.handle(tcell.NewEventKey(tcell.KeyRune, 'j', tcell.ModNone))
		s.SetRect(0, 0, 120, 34)
		s.Draw(term)
	}
}

package ui

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/google/go-cmp/cmp"

	"sallyport/api"
)

func TestTheInboxMergesByIDAndKeepsTheOrder(t *testing.T) {
	b := newInbox()
	tunnel := func(id string, n int) api.Event { return api.Event{Tunnel: &api.Tunnel{ID: id, Open: n}} }
	b.event(tunnel("lost", 1)) // the snapshot is newer
	b.event(api.Event{Snapshot: &api.Snapshot{Seq: 5}})
	for i := range 100 {
		b.event(tunnel("a", i))
		b.event(tunnel("b", i))
	}
	b.event(api.Event{TunnelGone: "b"})
	b.event(api.Event{Log: &api.Entry{Message: "first"}})
	b.event(api.Event{Log: &api.Entry{Message: "second"}})
	events, _ := b.take()
	want := []api.Event{
		{Seq: 5, Snapshot: &api.Snapshot{Seq: 5}},
		tunnel("a", 99),
		{TunnelGone: "b"},
		{Log: &api.Entry{Message: "first"}},
		{Log: &api.Entry{Message: "second"}},
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if events, calls := b.take(); events != nil || calls != nil {
		t.Errorf("left: %v", events)
	}
}

func TestTextIsCutByCells(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{fit("targaryen", 9), "targaryen"},
		{fit("targaryen", 5), "targ…"},
		{fit("日本語", 6), "日本語"},
		{fit("日本語", 5), "日本…"},
		{fit("日本語", 4), "日…"},
		{fit("x", 0), ""},
		{fitEnd("targaryen", 5), "…ryen"},
		{fitEnd("日本語", 4), "…語"},
		{pad("日本", 6), "日本  "},
		{strings.Join(wrap("one two three", 7), "|"), "one two|three"},
		{strings.Join(wrap("abcdefghij", 4), "|"), "abcd|efgh|ij"},
		{strings.Join(wrap("  Host x\n    User y", 20), "|"), "  Host x|    User y"},
		{strings.Join(wrap("日本語", 3), "|"), "日|本|語"},
		{strings.Join(wrapPath("~/.ssh/keys/id_ed25519", 12, 14), "|"), "~/.ssh/keys/|id_ed25519"},
		{size(0), "0 B"}, {size(999), "999 B"}, {size(1000), "1.0 kB"}, {size(9_949), "9.9 kB"}, {size(12_345), "12 kB"},
		{size(999_499), "999 kB"}, {size(999_500), "1.0 MB"}, {size(3.4e9), "3.4 GB"},
		{latency(400 * time.Microsecond), "0.4 ms"}, {latency(12 * time.Millisecond), "12 ms"}, {latency(1500 * time.Millisecond), "1.5 s"},
		{elapsed(-time.Second), "0 s"}, {elapsed(90 * time.Second), "1 min"}, {elapsed(3 * time.Hour), "3 h"}, {elapsed(72 * time.Hour), "3 d"},
		{and("a", "", "b", "c"), "a, b and c"}, {and("a"), "a"},
		{origin(api.Origin{File: "/home/dany/.ssh/config", Line: 3, Block: "Host a b"}, "b"), "config:3"},
		{origin(api.Origin{File: "/home/dany/.ssh/config", Line: 3, Block: "Host *"}, "b"), "config:3 Host *"},
		{fitOrigin("ssh_config:53", 13), "ssh_config:53"},
		{fitOrigin("ssh_config:53", 10), "ssh_co…:53"},
		{fitOrigin("10-clusters.conf:120", 12), "10-clus…:120"},
		{fitOrigin("ssh_config:53", 3), "ss…"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestTheLineOfAnOptionIsNotShortened(t *testing.T) {
	f, v := newFake(), westeros()
	f.inv = func() *fakeInventory { return v }
	v.details["got-bastion"] = api.Detail{Options: []api.Option{
		{Key: "GSSAPIAuthentication", Value: "yes", Origin: api.Origin{File: "/etc/ssh/ssh_config", Line: 53, Block: "Host *"}},
		{Key: "User", Value: "dany", Origin: api.Origin{File: "/etc/ssh/ssh_config.d/20-clusters.conf", Line: 120, Block: "Host *"}},
	}}
	perform(t, f, 80, 24, Options{}).sees("yes   ssh_config:53 ", "dany  20-clust…:120 ")
}

func TestLongAliasesThatDifferAtTheirEndsAreToldApart(t *testing.T) {
	f, v := newFake(), westeros()
	f.inv = func() *fakeInventory { return v }
	for _, h := range []api.Host{via("cluster-login-paris-01", "10.0.1.1", "dany"), via("cluster-login-paris-02", "10.0.1.2", "dany", "got-bastion")} {
		v.names = append(v.names, h.Name)
		v.hosts[h.Name] = h
	}
	st := perform(t, f, 80, 24, Options{})
	st.sees("○ cluster-login-paris-01 ", "○ cluster-login-paris-02 ▸ ", "○ targaryen     got-bastion ▸ ")
	up := link("l1", "cluster-login-paris-02", "", api.LinkUp)
	up.Latency = 12 * time.Millisecond
	st.snapshot(api.Snapshot{Links: []api.Link{up}})
	st.sees("● cluster-login-paris-02 ▸ 12 ms ")
}

func TestALongTextIsWrappedAtOnce(t *testing.T) {
	start := time.Now()
	for _, s := range []string{strings.Repeat("x", 1<<18), strings.Repeat("日 ", 1<<16), strings.Repeat("a\u0301", 1<<16)} {
		if n := len(wrap(s, 40)); n != wrapLimit {
			t.Errorf("it has %d rows", n)
		}
		wrapPath(s, 40, 50)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func FuzzTextFits(f *testing.F) {
	f.Add("targaryen", 5)
	f.Add("日本語 e\u0301 👩‍👩‍👧", 3)
	f.Fuzz(func(t *testing.T, s string, w int) {
		w = w&63 + 2
		s = clean(s)
		for _, got := range append(wrap(s, w), fit(s, w), fitEnd(s, w)) {
			if cells(got) > w {
				t.Errorf("%q is wider than %d", got, w)
			}
		}
		for _, got := range wrapPath(s, w, w) {
			if cells(strings.TrimRight(got, " ")) > w {
				t.Errorf("%q is wider than %d", got, w)
			}
		}
	})
}

func TestAFieldForgetsWhatWasTyped(t *testing.T) {
	f := newField(true)
	whole := f.text[:fieldLimit]
	for _, r := range "s3crét" {
		f.key(tcell.NewEventKey(tcell.KeyRune, r, tcell.ModNone))
	}
	f.paste("more\nand not this")
	if got := string(f.text); got != "s3crétmore" {
		t.Errorf("the field has %q", got)
	}
	if got := f.shown(); got != "••••••••••" {
		t.Errorf("the field shows %q", got)
	}
	f.paste(strings.Repeat("x", 2*fieldLimit))
	f.key(tcell.NewEventKey(tcell.KeyBackspace2, 0, tcell.ModNone))
	f.wipe()
	for i, b := range whole {
		if b != 0 {
			t.Fatalf("byte %d is still %q", i, b)
		}
	}
}

func TestTrafficIsMeasuredOnceASecond(t *testing.T) {
	var tr traffic
	tr.add(1000, morning)
	tr.add(1000, morning.Add(10*time.Minute))
	if !tr.quiet() {
		t.Error("it is not quiet")
	}
	tr.add(3_001_000, morning.Add(20*time.Minute))
	tr.add(3_001_500, morning.Add(20*time.Minute+100*time.Millisecond)) // too soon
	tr.add(4_001_000, morning.Add(20*time.Minute+2*time.Second))
	if diff := cmp.Diff([]float64{0, 3_000_000, 500_000}, tr.rates); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := graph(tr.rates); got != "▁█▂" {
		t.Errorf("the graph is %s", got)
	}
}

func TestAPanicGivesTheTerminalBackAndGoesOn(t *testing.T) {
	term := &finished{newRecordedScreen(80, 24), make(chan struct{})}
	s := newScreen(t.Context(), newFake(), Options{})
	s.term = &opened{Screen: term}
	defer func() {
		if p := recover(); fmt.Sprint(p) != "a bug" {
			t.Errorf("the panic is %v", p)
		}
		select {
		case <-term.fini:
		default:
			t.Error("the terminal was kept")
		}
	}()
	defer s.restore()
	panic("a bug")
}

type finished struct {
	*recordedScreen
	fini chan struct{}
}

func (f *finished) Fini() { close(f.fini) }

// goneScreen is a terminal whose window is closed while a shell has it.
type goneScreen struct {
	*recordedScreen
	shown chan struct{} // closed by the first Show
	once  sync.Once
	gone  atomic.Bool
	drew  atomic.Bool // after it was gone
}

func (g *goneScreen) Resume() error {
	g.gone.Store(true)
	return errors.New("open /dev/tty: no such device or address")
}

func (g *goneScreen) Show() {
	if g.gone.Load() {
		g.drew.Store(true) // the real one would not come back from this
		return
	}
	g.recordedScreen.Show()
	g.once.Do(func() { close(g.shown) })
}

func TestAWindowThatIsClosedInAShellEndsTheProgram(t *testing.T) {
	f := newFake()
	f.shell.ready <- nil
	f.shell.exit <- api.Exit{}
	term := &goneScreen{recordedScreen: newRecordedScreen(100, 30), shown: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- run(t.Context(), f, Options{Screen: term}) }()
	<-term.shown
	term.InjectKey(tcell.KeyEnter, 0, tcell.ModNone)
	select {
	case err := <-ended:
		if !errors.Is(err, errLost) {
			t.Errorf("run = %v, want errLost", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the program goes on")
	}
	if term.drew.Load() {
		t.Error("it drew on a terminal that has gone")
	}
}

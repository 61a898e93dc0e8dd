package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
)

// corner is where the control sockets of these tests are.
const corner = "/run/user/1000/ssh/"

// shared is an afternoon with masters of ssh, one of which carries a
// connection of ours.
func shared() (api.Snapshot, *fakeInventory) {
	s := afternoon()
	for i := range s.Links {
		s.Links[i].Kind = api.LinkNative
		if l := &s.Links[i]; l.Host == "spirit1" {
			l.Kind, l.Why, l.Since = api.LinkShared, "by the ssh with pid 4211 on "+corner+"jdoe@spirit1.ipsl.fr:22", morning.Add(-time.Hour)
		}
	}
	s.Sessions = append(s.Sessions, api.Session{ID: "s3", Host: "spirit1", Config: configFile, Link: "l4", PTY: true, State: api.SessionRunning, Since: morning.Add(-4 * time.Minute)})
	s.Served = []api.Served{{Link: "l1", Host: "got-bastion", Path: corner + "dany@193.48.1.7:22", Since: morning, Clients: []api.Guest{
		{PID: 7001, Since: morning, What: api.GuestSession},
		{PID: 7002, Since: morning, What: api.GuestForward, To: "10.0.0.5:22"},
	}}}
	v := westeros()
	v.masters = []api.Master{
		{Hosts: []string{"tyrell"}, Path: corner + "margaery@tyrell.example.org:22", PID: 5120, State: api.MasterAlive, Since: morning.Add(-3 * time.Minute)},
		{Hosts: []string{"spirit1", "spirit"}, Path: corner + "jdoe@spirit1.ipsl.fr:22", PID: 4211, State: api.MasterAlive, Since: morning.Add(-2 * time.Hour)},
		{Hosts: []string{"work-ens"}, Path: corner + "jdoe@129.199.12.4:22", State: api.MasterStale, Since: morning.Add(-80 * time.Hour)},
		{Hosts: []string{"crab"}, Path: corner + "jdoe@crab.example.org:22", State: api.MasterUnusable, Problem: "what listens there does not speak OpenSSH's multiplexing protocol", Since: morning.Add(-time.Minute)},
		{Hosts: []string{}, Path: corner + "jdoe@elsewhere.example.org:22", PID: 881, State: api.MasterAlive, Since: morning.Add(-26 * time.Hour)},
	}
	return s, v
}

func TestTheSessionsPageIsAsItWasApproved(t *testing.T) {
	busy, v := shared()
	seen, left := &busy.Sessions[0], &busy.Sessions[2]
	seen.Name, seen.Title, seen.Output = "targaryen", "make -j8: building the documentation of the whole project", morning.Add(-2*time.Second)
	seen.Viewers = []api.SessionView{{TTY: "/dev/pts/3"}, {TTY: "/dev/pts/5"}}
	left.Name, left.Title, left.Output = "spirit1", "vim paper.tex", morning.Add(-3*time.Minute)
	for _, c := range []struct {
		name string
		snap api.Snapshot
		inv  *fakeInventory
		keys []string
		sees string
	}{
		{name: "sessions", snap: busy, inv: v, keys: []string{"3"}, sees: "3 masters"},
		{name: "sessions-none", inv: westeros(), keys: []string{"3"}, sees: "ControlMaster auto"},
		{name: "sessions-end-master", snap: busy, inv: v, keys: []string{"3", "jjjjjjjjjj", "x"}, sees: "Keep it"},
		{name: "masters", snap: busy, inv: v, keys: []string{"↓", "↓"}, sees: "▌◆ tyrell"},
	} {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h), func(t *testing.T) {
				t.Parallel()
				f := newFake()
				f.inv = func() *fakeInventory { return c.inv }
				st := perform(t, f, size.w, size.h, Options{})
				st.sees("Hosts")
				st.loses("Reading")
				st.snapshot(c.snap)
				if len(c.snap.Links) > 0 {
					st.sees("refused", "◆")
				}
				st.keys(c.keys...)
				st.sees(c.sees)
				st.golden(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h))
			})
		}
	}
}

// home is the user's own directory.
func home() string { return untilde("~/") }

// onSessions is the page with the cursor on the row that has a text.
func onSessions(t *testing.T, f *fake, row string) *stage {
	t.Helper()
	snap, v := shared()
	snap.Sessions = append(snap.Sessions,
		api.Session{ID: "s4", Name: "winter", Host: "tyrell", Config: configFile, PTY: true, State: api.SessionRunning, Since: morning},
		api.Session{ID: "s5", Name: "summer", Host: "tyrell", Config: configFile, PTY: true, State: api.SessionEnded, Since: morning},
		api.Session{ID: "s6", Name: "spring", Host: "tyrell", Config: configFile, PTY: true, State: api.SessionRunning, Since: morning, Title: "summer-log", Recorded: &api.SessionLog{Path: "/srv/summer-log"}},
		api.Session{ID: "s7", Name: "tyrell-4", Host: "tyrell", Config: configFile, PTY: true, State: api.SessionEnded, Since: morning,
			Exit: &api.Exit{Failure: &api.Failure{Message: "gone"}}, KeptAs: &api.KeptAs{Keeper: "tmux", Name: "paper", User: "olenna"}},
		api.Session{ID: "s8", Name: "tyrell-5", Host: "tyrell", Config: configFile, PTY: true, State: api.SessionRunning, Since: morning, KeptAs: &api.KeptAs{Keeper: "screen", Name: "thorns"}})
	v.mastersNow = make(chan []api.Master)
	f.inv = func() *fakeInventory { return v }
	st := perform(t, f, 120, 40, Options{})
	st.sees("targaryen")
	st.snapshot(snap)
	st.keys("3")
	st.sees("shells", "3 masters", "▌")
	for range 20 {
		if slices.ContainsFunc(strings.Split(st.text(), "\n"), func(l string) bool { return strings.Contains(l, "▌") && strings.Contains(l, row) }) {
			return st
		}
		before := st.text()
		st.keys("j")
		st.until("the cursor to move", func() bool { return st.text() != before })
	}
	t.Fatalf("no row has %q:\n%s", row, st.text())
	return nil
}

// TestAForwardThatWasOpenedOnAMasterIsListedUntilItIsClosed is what a master
// itself tells nobody.
func TestAForwardThatWasOpenedOnAMasterIsListedUntilItIsClosed(t *testing.T) {
	st := onSessions(t, newFake(), "pid 4211")
	st.keys("f")
	st.keys("-D 1080")
	st.keys("Tab", "Tab", "Enter")
	st.sees("until its master or the background process ends")
	_, spec, err := api.ReadForward("-D 1080")
	if err != nil {
		t.Fatal(err)
	}
	b := api.BorrowRequest{Path: corner + "jdoe@spirit1.ipsl.fr:22", PID: 4211, Spec: spec}.Borrowed()
	st.event(api.Event{Borrowed: &b})
	st.sees("opened from here, f closes it")
	st.keys("f")
	st.sees("A forward of the ssh with pid 4211")
	st.keys("Enter")
	st.sees("is closed")
	st.event(api.Event{BorrowedGone: b.ID})
	st.loses("opened from here")
}

// TestShellsOfOneHostAreToldApart has two, by the names that "sallyport attach" takes.
func TestShellsOfOneHostAreToldApart(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("Hosts")
	st.snapshot(api.Snapshot{Sessions: []api.Session{
		{ID: "a", Host: "tyrell", Config: configFile, Name: "tyrell", PTY: true, State: api.SessionRunning, Since: morning},
		{ID: "b", Host: "tyrell", Config: configFile, Name: "tyrell-2", PTY: true, State: api.SessionRunning, Since: morning},
	}})
	st.keys("3")
	st.sees("⌂ tyrell    left", "⌂ tyrell-2  left")
	st.keys("j", "K")
	st.sees("End the shell tyrell-2?")
}

func TestKeysOfTheSessionsPage(t *testing.T) {
	const spirit, elsewhere, work = corner + "jdoe@spirit1.ipsl.fr:22", corner + "jdoe@elsewhere.example.org:22", corner + "jdoe@129.199.12.4:22"
	for _, row := range []struct {
		name  string
		on    string // what the row under the cursor has
		keys  []string
		calls []string
		sees  string
	}{
		{"Enter on a master opens a shell there", "pid 4211", []string{"Enter"}, []string{"start spirit1"}, "starting…"},
		{"and c on a shell another one", "squeue", []string{"c"}, []string{"start targaryen"}, ""},
		{"Enter on a shell that was left comes back to it", "left", []string{"Enter"}, []string{"view winter"}, ""},
		{"and c there opens another", "left", []string{"c"}, []string{"start tyrell"}, ""},
		{"K dismisses the last screen of one that has ended", "last screen", []string{"K", "e", "Enter"}, []string{"end s5"}, ""},
		{"Enter on one that its host has kept rejoins it", "by tmux as paper", []string{"Enter"}, []string{"rejoin paper of tyrell"}, "starting…"},
		{"which K does not end", "by tmux as paper", []string{"K"}, nil, "sallyport -l olenna tyrell --keep=paper"},
		{"and which is in the details of its host", "by tmux as paper", []string{"1", "g", "↓", "↓"}, nil, "◌ kept by tmux as paper"},
		{"one that is kept and open is come back to as any", "by screen as thorns", []string{"Enter"}, []string{"view tyrell-5"}, ""},
		{"which nobody can whose host is not known", "pid 881", []string{"Enter"}, nil, "No host of the configuration has this ControlPath"},
		{"Esc cancels what is on its way", "pid 4211", []string{"Enter", "Esc"}, []string{"start spirit1"}, "is cancelled"},
		{"x ends a master when it was agreed to", "pid 4211", []string{"x", "e", "Enter"}, []string{"exit " + spirit + " 4211"}, "has ended"},
		{"and says first what of ours would end", "pid 4211", []string{"x"}, nil, "Of ours: 1 shell."},
		{"one that is kept goes on", "pid 4211", []string{"x", "k", "Enter"}, nil, "pid 4211"},
		{"also one of no host", "pid 881", []string{"x", "e", "Enter"}, []string{"exit " + elsewhere + " 881"}, "has ended"},
		{"x on a stale one points to D", "stale", []string{"x"}, nil, "D removes the socket"},
		{"D removes a stale one", "stale", []string{"D"}, []string{"remove " + work}, "Removed: "},
		{"but no live one", "pid 4211", []string{"D"}, nil, "Only a stale socket can be removed."},
		{"S has a master stop", "pid 4211", []string{"S"}, []string{"stop " + spirit + " 4211"}, "takes no more clients"},
		{"which a shell cannot", "squeue", []string{"S"}, nil, "Only a master of ssh"},
		{"v asks a master for a sign of life", "pid 4211", []string{"v"}, []string{"check " + spirit + " 4211"}, "pid 4211 answers"},
		{"which one that has ended cannot give", "stale", []string{"v"}, nil, "D removes the socket"},
		{"v asks once more what gave no answer", "unusable", []string{"v"}, nil, "once more"},
		{"f cancels a forward of a master", "pid 4211", []string{"f", "8080:gpu3:8888", "Enter"}, []string{"cancel " + spirit + " 4211 L 8080:gpu3:8888"}, "L 8080 → gpu3:8888 is closed"},
		{"or opens one", "pid 4211", []string{"f", "-D 1080", "Tab", "Tab", "Enter"}, []string{"open " + spirit + " 4211 D 1080"}, "until its master or the background process"},
		{"or neither", "pid 4211", []string{"f", "-D 1080", "Tab", "Tab", "Tab", "Enter"}, nil, "pid 4211"},
		{"what is no forward is not asked for", "pid 4211", []string{"f", "8080:", "Enter"}, nil, "✗"},
		{"K ends a shell when it was agreed to", "squeue", []string{"K", "e", "Enter"}, []string{"end s2"}, ""},
		{"and says what that is", "squeue", []string{"K"}, nil, "squeue -u dany ends"},
		{"K on a link names what would end", "2 ssh clients", []string{"K"}, nil, "Close the connection to got-bastion?"},
		{"as x does", "2 ssh clients", []string{"x"}, nil, "2 ssh clients and the connection to targaryen"},
		{"and what is agreed to is closed", "2 ssh clients", []string{"x", "c", "Enter"}, []string{"close l1"}, ""},
		{"K is not for what is not ours", "pid 4211", []string{"K"}, nil, "It is not ours"},
		{"x on a shell points to K", "squeue", []string{"x"}, nil, "K ends a shell"},
		{"L writes what a shell shows to a file", "left", []string{"L", "Enter"}, []string{"log s4 " + home() + "/tyrell-20260302-093000.cast"}, "tyrell: log to ~/tyrell-2026"},
		{"a shell whose output goes there is marked", "summer-log", nil, nil, "● log to /srv/summer-log"},
		{"and L ends that", "summer-log", []string{"L"}, []string{"end the log of s6"}, "The log is in /srv/summer-log"},
		{"L is for what has a terminal", "squeue", []string{"L"}, nil, "It has no terminal"},
		{"and for shells", "pid 4211", []string{"L"}, nil, "Only what a shell shows"},
		{"that run", "last screen", []string{"L"}, nil, "It does not run."},
		{"1 goes back to the hosts", "squeue", []string{"1"}, nil, "Configuration"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			st := onSessions(t, newFake(), row.on)
			for _, k := range row.keys {
				if k == "Esc" {
					st.expects("start spirit1")
				}
				st.keys(k)
			}
			for _, call := range row.calls {
				st.expects(call)
			}
			if row.sees != "" {
				st.sees(row.sees)
			}
			if n := len(st.made()); n != len(row.calls) {
				t.Errorf("it did %q", st.made())
			}
		})
	}
}

func TestWhatAMasterRefusesIsSaid(t *testing.T) {
	f := newFake()
	f.fails["stop"] = errRefused
	st := onSessions(t, f, "pid 4211")
	st.keys("S")
	st.sees("✗ connection refused")
}

func TestAMasterThatComesOrGoesIsSeenAtOnce(t *testing.T) {
	f := newFake()
	v := westeros()
	v.mastersNow = make(chan []api.Master)
	f.inv = func() *fakeInventory { return v }
	st := perform(t, f, 100, 30, Options{})
	st.sees("○ tyrell")
	v.mastersNow <- []api.Master{{Hosts: []string{"tyrell"}, Path: corner + "x", PID: 99, State: api.MasterAlive, Since: morning}}
	st.sees("◆ tyrell", "pid 99")
	v.mastersNow <- []api.Master{{Hosts: []string{"tyrell"}, Path: corner + "x", State: api.MasterStale, Since: morning}}
	st.sees("○ tyrell")
	st.loses("pid 99")
}

// Where a ControlPath is that of a connection held here, the background process
// is a master.
func TestTheBackgroundProcessIsNoMasterOfSSH(t *testing.T) {
	f := newFake()
	snap, v := shared()
	v.mastersNow = make(chan []api.Master)
	f.inv = func() *fakeInventory { return v }
	st := perform(t, f, 120, 34, Options{})
	st.sees("targaryen")
	st.snapshot(snap)
	st.keys("3")
	st.sees("3 masters")
	v.mastersNow <- []api.Master{
		{Hosts: []string{"tyrell"}, Path: corner + "x", PID: 99, State: api.MasterAlive, Since: morning},
		{Hosts: []string{"targaryen"}, Path: corner + "y", PID: snap.Daemon.PID, State: api.MasterAlive, Since: morning},
	}
	st.sees("1 master ", "pid 99")
	st.loses(corner + "y")
}

// TestMastersAreFollowedOnlyWhereTheyAreShown keeps a terminal that nobody
// looks at from asking anybody anything.
func TestMastersAreFollowedOnlyWhereTheyAreShown(t *testing.T) {
	f := newFake()
	_, v := shared()
	f.inv = func() *fakeInventory { return v }
	st := perform(t, f, 120, 34, Options{})
	follows := func(what string, n int32) {
		t.Helper()
		st.until(what, func() bool { return v.followers.Load() == n })
	}
	st.sees("◆ tyrell")
	follows("the list of hosts to follow them", 1)
	st.keys("2")
	follows("the page of tunnels to let them rest", 0)
	st.keys("3")
	follows("the page of sessions to follow them", 1)
	st.keys("6")
	follows("the log to let them rest", 0)
	st.keys("1")
	follows("the list to follow them again", 1)
	st.keys("Enter")
	f.shell.ready <- nil
	follows("a shell to let them rest", 0)
	f.shell.exit <- api.Exit{}
	follows("the list to follow them after it", 1)
}

func TestAClickOnTheSessionsPageSelectsAndADoubleClickOpens(t *testing.T) {
	doubleClicksAreSlow(t)
	st := onSessions(t, newFake(), "shell")
	click := func() {
		x, y := st.find("pid 4211")
		st.term.InjectMouse(x, y, tcell.ButtonPrimary, tcell.ModNone)
		st.term.InjectMouse(x, y, tcell.ButtonNone, tcell.ModNone)
	}
	click()
	st.sees("▌◆ spirit1")
	click()
	st.expects("start spirit1")
}

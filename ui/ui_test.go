package ui

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/rivo/tview"

	"sallyport/api"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// golden compares the screen with testdata/NAME.txt once it has come to that.
func (st *stage) golden(name string) {
	st.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(st.settled()), 0o644); err != nil {
			st.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		st.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); st.text() != string(want); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			st.Fatalf("the screen is not that of %s (-want +got):\n%s", path, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(st.text(), "\n")))
		}
	}
}

// settled is the screen once it has not changed for a while.
func (st *stage) settled() string {
	last, since := st.text(), time.Now()
	for time.Since(since) < 300*time.Millisecond {
		time.Sleep(5 * time.Millisecond)
		if now := st.text(); now != last {
			last, since = now, time.Now()
		}
	}
	return last
}

// lent is an afternoon on which ssh has to help, and much is passed through the
// bastion.
func lent() api.Snapshot {
	s := afternoon()
	for i := range s.Links {
		s.Links[i].Kind = "native"
		if s.Links[i].Host == "got-bastion" {
			s.Links[i].Further = 3
		}
		if s.Links[i].Host == "targaryen" {
			s.Links[i].Kind, s.Links[i].Why = api.LinkLent, "via ssh: PKCS11Provider /usr/lib/opensc-pkcs11.so"
		}
	}
	return s
}

// passedOver is an afternoon on which a key file was not used.
func passedOver() api.Snapshot {
	s := afternoon()
	for i := range s.Links {
		if s.Links[i].Host == "targaryen" {
			s.Links[i].Kind, s.Links[i].Notice = "native", "The key ~/.ssh/id_rsa was passed over: its mode is 0644, which lets others reach it. chmod 600 ~/.ssh/id_rsa"
		}
	}
	return s
}

// announced is an afternoon on which servers say something before a login.
func announced(q ...api.Question) api.Snapshot {
	s := afternoon()
	for i := range s.Links {
		switch s.Links[i].Host {
		case "martell":
			s.Links[i].Banner = "# An additional check is needed.\n# To authenticate, visit: https://login.example.org/a/\x1b[2J13b5"
		case "jean-zay":
			s.Links[i].Banner = "This system is for authorised users only.\n\nMaintenance on Monday from 8:00."
		}
	}
	s.Questions = q
	return s
}

var sizes = []struct{ w, h int }{{120, 34}, {80, 24}, {60, 20}}

func TestScreensAreAsTheyWereApproved(t *testing.T) {
	ask := func(q ...api.Question) api.Snapshot {
		s := afternoon()
		s.Questions = q
		return s
	}
	for _, c := range []struct {
		name  string
		snap  api.Snapshot
		inv   *fakeInventory
		keys  []string
		sees  string
		sizes int
	}{
		{name: "quiet", sees: "config:3", sizes: 2},
		{name: "busy", snap: afternoon(), keys: []string{"↓"}, sees: "▌● targaryen", sizes: 3},
		{name: "detail", snap: afternoon(), keys: []string{"↓", "Tab"}, sees: "▌[x]", sizes: 3},
		{name: "search", snap: afternoon(), keys: []string{"/ell"}, sees: "2 of 11", sizes: 2},
		{name: "failed", snap: afternoon(), keys: []string{"↓↓↓↓↓↓↓"}, sees: "→ ssh-copy-id", sizes: 2},
		{name: "command", snap: afternoon(), keys: []string{"↓↓↓↓↓↓↓↓"}, sees: "──▶ behind-socks", sizes: 2},
		{name: "long-chain", snap: afternoon(), keys: []string{"↓↓↓↓↓↓↓↓↓"}, sees: "far-away ", sizes: 2},
		{name: "further", snap: lent(), sees: "over 4 connections", sizes: 1},
		{name: "lent", snap: lent(), keys: []string{"↓"}, sees: "via ssh", sizes: 2},
		{name: "passed-over", snap: passedOver(), keys: []string{"↓"}, sees: "chmod 600", sizes: 2},
		{name: "announced", snap: announced(), keys: []string{"↓↓↓"}, sees: "visit:", sizes: 2},
		{name: "announced-password", snap: announced(passwordQuestion()), sees: "Maintenance", sizes: 2},
		{name: "log", snap: afternoon(), keys: []string{"6"}, sees: "09:29:51", sizes: 2},
		{name: "help", keys: []string{"?"}, sees: "Open a shell", sizes: 2},
		{name: "no-match", keys: []string{"/zzz"}, sees: "No host matches", sizes: 2},
		{name: "no-config", inv: &fakeInventory{missing: true}, sees: "Host myserver", sizes: 2},
		{name: "unreadable", inv: &fakeInventory{problems: []api.Problem{{Origin: api.Origin{File: configFile}, Message: "permission denied", Fatal: true}}},
			sees: "No host could be read", sizes: 2},
		{name: "password", snap: ask(keepable(passwordQuestion())), sees: "Password of rech042", sizes: 2},
		{name: "share", snap: ask(shareQuestion()), sees: "Allow", sizes: 2},
		{name: "add-key", snap: ask(addKeyQuestion()), sees: "Add to agent", sizes: 2},
		{name: "code", snap: ask(codeQuestion(), passwordQuestion()), sees: "Verification code", sizes: 3},
		{name: "host-key", snap: ask(hostKeyQuestion()), sees: "Refuse", sizes: 3},
		{name: "close", snap: afternoon(), keys: []string{"x"}, sees: "Keep it", sizes: 2},
	} {
		for _, size := range sizes[:c.sizes] {
			t.Run(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h), func(t *testing.T) {
				t.Parallel()
				f := newFake()
				if c.inv != nil {
					f.inv = func() *fakeInventory { return c.inv }
				}
				st := perform(t, f, size.w, size.h, Options{})
				st.sees("Hosts")
				st.loses("Reading")
				st.snapshot(c.snap)
				if len(c.snap.Links) > 0 && len(c.snap.Questions) == 0 {
					st.sees("refused")
				}
				st.keys(c.keys...)
				st.sees(c.sees)
				st.golden(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h))
			})
		}
	}
}

func TestASCIIDrawsOnlyASCII(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{ASCII: true, NoColor: true})
	st.snapshot(afternoon())
	st.sees("* targaryen", "refused")
	st.keys("↓")
	st.sees(">* targaryen", "--------> targaryen", "* 13 ms")
	for _, r := range st.text() {
		if r > 0x7e || r < ' ' && r != '\n' {
			t.Fatalf("%q is on the screen:\n%s", r, st.text())
		}
	}
}

func TestNoColorDrawsWithoutColours(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{NoColor: true})
	st.snapshot(afternoon())
	st.sees("refused")
	content, _, _ := st.term.GetContents()
	for _, c := range content {
		if fg, bg, _ := c.Style.Decompose(); fg != tcell.ColorDefault || bg != tcell.ColorDefault {
			t.Fatalf("%q is drawn in %v on %v", string(c.Runes), fg, bg)
		}
	}
}

func TestEnterOpensAShellAndComesBackWithItsExitStatus(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.sees("targaryen")
	st.keys("/targ")
	st.sees(" of 11")
	st.keys("Enter", "Enter")
	st.expects("start targaryen")
	st.sees("starting…")
	inside := make(chan struct{})
	f.shell.attach = func() { close(inside) }
	f.shell.ready <- nil
	<-inside
	st.snapshot(afternoon()) // the screen is away, and yet takes events
	f.shell.exit <- api.Exit{Status: 7}
	st.sees("targaryen: exit status 7", "13 ms")
	st.keys("↓")
	st.loses("exit status 7")
}

func TestAFailureStaysUntilTheNextTry(t *testing.T) {
	f := newFake()
	f.fails["start"] = &api.Error{Code: "auth", Message: "the server accepts none of your keys", Hints: []string{"ssh-copy-id tyrell"}}
	st := perform(t, f, 100, 30, Options{})
	st.sees("tyrell")
	st.keys("↓↓", "Enter")
	st.sees("✗ the server accepts none of your keys", "→ ssh-copy-id tyrell", "refused")
	st.keys("k", "↓")
	st.sees("→ ssh-copy-id tyrell")
	st.keys("6")
	st.sees("tyrell  the server accepts none of your keys")
	f.mu.Lock()
	delete(f.fails, "start")
	f.mu.Unlock()
	st.keys("1", "Enter")
	st.loses("→ ssh-copy-id tyrell")
}

func TestEscCancelsWhatIsConnecting(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.snapshot(afternoon())
	st.sees("refused")
	st.keys("↓↓↓", "Enter")
	st.expects("start martell")
	st.sees("Esc cancel")
	st.keys("Esc")
	st.expects("close l3")
	st.sees("Connecting to martell is cancelled.")
	st.until("the shell to be closed", func() bool {
		select {
		case <-f.shell.closed:
			return true
		default:
			return false
		}
	})
}

func TestAShellThatIsReadyWhileAQuestionIsOpenWaits(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.sees("targaryen")
	st.keys("↓", "Enter")
	st.expects("start targaryen")
	q := passwordQuestion()
	st.event(api.Event{Question: &q})
	st.sees("Password of rech042")
	st.keys("hun")
	f.shell.ready <- nil
	st.sees("•••", "ready")
	st.keys("ter2", "Enter")
	st.expects(`answer q1 ["hunter2"] `)
	f.shell.exit <- api.Exit{}
	st.keys("Enter")
	st.sees("targaryen: the shell has ended")
}

func TestTunnels(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.sees("[ ] L 8080 → targaryen:8080")
	st.keys("t") // the only tunnel of got-bastion
	st.expects("tunnel got-bastion 8080 true")
	st.sees("[x] L 8080", "opening…")
	up := api.Tunnel{ID: "b8080", Host: "got-bastion", Config: configFile, State: api.TunnelUp}
	st.event(api.Event{Tunnel: &up})
	st.sees("● idle", "⇄1")
	asked := up
	asked.Allocated = 40123
	st.event(api.Event{Tunnel: &asked})
	st.sees("● port 40123, idle")
	st.keys(" ")
	st.expects("tunnel got-bastion 8080 false")
	st.event(api.Event{TunnelGone: "b8080"})
	st.sees("[ ] L 8080")

	st.keys("↓")
	st.sees("[ ] D 1080")
	st.keys("t") // targaryen has three: choose
	st.sees("▌[ ] L 8080", "3 tunnels: choose")
	st.keys("↓", "Enter")
	st.expects("tunnel targaryen 8888 true")

	f.mu.Lock()
	f.fails["tunnel"] = &api.Error{Message: "the background process does not start", Hints: []string{"sallyport daemon run"}}
	f.mu.Unlock()
	st.keys("↓", " ")
	st.sees("✗ the background process does not start", "sallyport daemon run", "[ ] D 1080")
}

func TestAKeyThatDoesNotApplySaysWhy(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("[ ] L 8080", "tyrell")
	for _, c := range []struct {
		keys []string
		says string
	}{
		{[]string{"↓↓", "x"}, "tyrell has no connection to close."},
		{[]string{"t"}, "tyrell has no tunnel"},
		{[]string{"Z"}, "Z means nothing here"},
		{[]string{"Tab", " "}, "There is nothing to switch here"},
	} {
		st.keys(c.keys...)
		st.sees(c.says)
	}
}

func TestClosingNamesWhatIsLost(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.snapshot(afternoon())
	st.sees("refused")
	st.keys("x")
	st.sees("Close the connection to got-bastion?", "2 shells, 3 tunnels and the connection to targaryen use this")
	st.keys("Enter") // nothing is chosen yet
	st.sees("Choose with")
	st.keys("c", "Enter")
	st.expects("close l1")
	st.loses("Keep it")
}

func TestQuestions(t *testing.T) {
	for _, c := range []struct {
		name string
		q    api.Question
		keys []string
		call string
	}{
		{"a password is answered by Enter", passwordQuestion(), []string{"s3crét", "Enter"}, `answer q1 ["s3crét"] `},
		{"a password is corrected", passwordQuestion(), []string{"wrong", "Ctrl-U", "ab", "Backspace", "Enter"}, `answer q1 ["a"] `},
		{"a password is kept by its own button", keepable(passwordQuestion()), []string{"ab", "Tab", "Tab", "Enter"}, `answer q1 ["ab"] keep`},
		{"Enter keeps nothing", keepable(passwordQuestion()), []string{"ab", "Enter"}, `answer q1 ["ab"] `},
		{"an ssh may use a connection", shareQuestion(), []string{"a", "Enter"}, `answer q5 [] once`},
		{"a key is added to the agent", addKeyQuestion(), []string{"a", "Enter"}, `answer q4 [] add`},
		{"a key is not added to the agent", addKeyQuestion(), []string{"r", "Enter"}, `answer q4 [] refuse`},
		{"a form has all its fields", codeQuestion(), []string{"pw", "Enter", "123456", "Enter"}, `answer q2 ["pw" "123456"] `},
		{"a form is walked with Tab", codeQuestion(), []string{"Tab", "123456", "Up", "pw", "Tab", "Tab", "Enter"}, `answer q2 ["pw" "123456"] `},
		{"a form is declined with its button", codeQuestion(), []string{"Tab", "Tab", "Tab", "Enter"}, "cancel q2"},
		{"Esc declines", passwordQuestion(), []string{"abc", "Esc"}, "cancel q1"},
		{"a host key is accepted", hostKeyQuestion(), []string{"a", "Enter"}, `answer q3 [] accept`},
		{"a host key is accepted once", hostKeyQuestion(), []string{"Right", "Right", "Enter"}, `answer q3 [] once`},
		{"a host key is refused", hostKeyQuestion(), []string{"Left", "Enter"}, `answer q3 [] refuse`},
		{"Enter alone accepts no host key", hostKeyQuestion(), []string{"Enter", "Enter", "Esc"}, "cancel q3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := perform(t, newFake(), 100, 30, Options{})
			st.event(api.Event{Question: &c.q})
			st.sees(c.q.Host + ", hop 2 of 2")
			st.keys(c.keys...)
			st.expects(c.call)
			st.loses("hop 2 of 2")
			if calls := st.made(); len(calls) != 1 {
				t.Errorf("the calls are %q", calls)
			}
		})
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	q := codeQuestion()
	st.event(api.Event{Question: &q})
	st.sees("Verification code:")
	st.keys("hunter2", "Tab", "123456")
	st.sees("•••••••", "123456")
	if strings.Contains(st.text(), "hunter2") {
		t.Error("the password can be read")
	}
}

func TestQuestionsQueueAndDisappear(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	snap := afternoon()
	snap.Questions = []api.Question{passwordQuestion(), hostKeyQuestion()}
	st.snapshot(snap)
	st.sees("(1 of 2 questions)", "Password of rech042")
	st.event(api.Event{QuestionGone: "q1"}) // answered elsewhere
	st.sees("is not known")
	st.event(api.Event{QuestionGone: "q3"})
	st.loses("is not known")
}

// TestWhatIsTypedForAQuestionThatHasGoneIsNoCommand types the rest of a password in
// which letters are keys of the page.
func TestWhatIsTypedForAQuestionThatHasGoneIsNoCommand(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	q := passwordQuestion()
	st.event(api.Event{Question: &q})
	st.sees("Password of rech042")
	st.keys("x")
	st.sees("•")
	st.event(api.Event{QuestionGone: q.ID})
	st.sees("Nobody waits for this answer any more")
	st.keys("t", "q", "Enter")
	st.sees("Choose with")
	st.keys("Esc")
	st.loses("Nobody waits for this answer any more")
	if calls := st.made(); len(calls) != 0 {
		t.Errorf("the calls are %q", calls)
	}
}

// TestAPassphraseAnswersAllWhoOpenThatKey has three hosts ask for the passphrases of
// two keys.
func TestAPassphraseAnswersAllWhoOpenThatKey(t *testing.T) {
	for _, row := range []struct {
		name   string
		fails  error
		behind string // the host whose dialog comes behind that of the other key; "" for none
	}{
		{"it arrives", nil, ""},
		{"it does not arrive", errRefused, "tyrell and 1 other"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake()
			f.fails["answer"] = row.fails
			st := perform(t, f, 100, 30, Options{})
			snap := afternoon()
			snap.Questions = nil
			for i, of := range [][2]string{{"tyrell", "a"}, {"targaryen", "a"}, {"martell", "b"}} {
				snap.Questions = append(snap.Questions, api.Question{ID: fmt.Sprint(i), Kind: api.AskPassphrase, Host: of[0], File: "/keys/" + of[1],
					Title: "The key is locked.", Prompts: []api.Prompt{{Text: "Passphrase"}}, Try: 1})
			}
			st.snapshot(snap)
			st.sees("┌ tyrell and 1 other (1 of 2 questions) ─")
			st.keys("x", "Enter")
			st.sees("┌ martell")
			if row.fails != nil {
				st.sees(row.fails.Error())
			}
			st.keys("Esc")
			if row.behind == "" {
				st.loses("The key is locked.")
				return
			}
			st.sees("┌ " + row.behind + " ─")
		})
	}
}

// TestTheRestOfAPasswordIsNotForTheNextHost has a question answered elsewhere while
// somebody types.
func TestTheRestOfAPasswordIsNotForTheNextHost(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	snap := afternoon()
	first, second := passwordQuestion(), passwordQuestion()
	second.ID, second.Host = "q2", "tyrell"
	snap.Questions = []api.Question{first, second}
	st.snapshot(snap)
	st.sees("(1 of 2 questions)")
	st.keys("sec")
	st.sees("•••")
	st.event(api.Event{QuestionGone: first.ID})
	st.sees("┌ tyrell", "The question before it has gone. Tab goes to this one.")
	st.keys("add", "Enter")
	st.sees("Tab goes to this one.")
	if calls := st.made(); len(calls) != 0 {
		t.Errorf("the calls are %q", calls)
	}
	st.keys("Tab", "x")
	st.loses("Tab goes to this one.")
	st.sees("Password of rech042", "•")
	st.keys("Enter")
	st.until("it is answered", func() bool { return len(st.made()) == 1 })
}

// TestAPassphraseIsDeclinedForAllWhoOpenThatKey has a third host ask while the dialog
// is open.
func TestAPassphraseIsDeclinedForAllWhoOpenThatKey(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	snap := afternoon()
	snap.Questions = nil
	ask := func(host string) api.Question {
		return api.Question{ID: host, Kind: api.AskPassphrase, Host: host, File: "/keys/a", Title: "The key is locked.",
			Prompts: []api.Prompt{{Text: "Passphrase"}}, Try: 1}
	}
	snap.Questions = []api.Question{ask("tyrell"), ask("targaryen")}
	st.snapshot(snap)
	st.sees("┌ tyrell and 1 other ─")
	third := ask("martell")
	st.event(api.Event{Question: &third})
	st.sees("┌ tyrell and 2 others ─")
	st.keys("Esc")
	st.loses("The key is locked.")
	st.sees("Not answered: the connections to tyrell and 2 others are given up.")
	st.expects("cancel tyrell")
	st.expects("cancel targaryen")
	st.expects("cancel martell")
}

func TestAQuestionWaitsForTheSearchToBeTyped(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("tyrell")
	st.keys("/tyr")
	st.sees(" of 11")
	q := passwordQuestion()
	st.event(api.Event{Question: &q})
	st.sees("?") // in the row of the host
	st.keys("e", "Enter")
	st.sees("Password of rech042", "/ tyre")
	if calls := st.made(); len(calls) != 0 {
		t.Errorf("the calls are %q", calls)
	}
}

func TestAnAnswerThatDoesNotArriveBringsTheQuestionBack(t *testing.T) {
	f := newFake()
	f.fails["answer"] = errRefused
	st := perform(t, f, 100, 30, Options{})
	q := passwordQuestion()
	st.event(api.Event{Question: &q})
	st.sees("Password of rech042")
	st.keys("x", "Enter")
	st.sees("connection refused", "Password of rech042")
}

func TestHostileTextIsInert(t *testing.T) {
	nasty := "\x1b]52;c;aGk=\a\x1b[2J[red]x\u202egnp.exe\u200f\x00\xff\r\n"
	inv := &fakeInventory{
		names: []string{nasty, "日本語ホスト", "e\u0301tage", "plain"},
		hosts: map[string]api.Host{
			nasty:    {Name: nasty, HostName: nasty, User: nasty, Via: []string{nasty}, Comment: nasty, Tags: []string{nasty}, Problem: nasty},
			"日本語ホスト": {Name: "日本語ホスト", HostName: "例え.jp", Via: []string{"踏み台"}},
		},
		details: map[string]api.Detail{nasty: {
			Chain:    []api.Hop{{Name: nasty, Address: nasty, Command: nasty}},
			Forwards: []api.Forward{{ID: "x", Spec: api.TunnelSpec{Kind: "L", Listen: api.Address{Network: "unix", Path: nasty}, Connect: tcp(nasty, 1)}, Problem: nasty}},
			Options:  []api.Option{{Key: "User", Value: nasty, Origin: api.Origin{File: nasty, Line: 1, Block: nasty}}},
			Problems: []api.Problem{{Message: nasty}},
		}},
		problems: []api.Problem{{Message: nasty, Origin: api.Origin{File: nasty}}},
	}
	f := newFake()
	f.inv = func() *fakeInventory { return inv }
	st := perform(t, f, 120, 34, Options{})
	failed := link(nasty, nasty, "", api.LinkFailed)
	failed.Failure = &api.Failure{Message: nasty, Hint: nasty, Hop: nasty}
	snap := api.Snapshot{Links: []api.Link{failed}, Log: []api.Entry{{Host: nasty, Message: nasty, Hint: nasty}},
		Sessions: []api.Session{{ID: "s", Host: nasty, Config: configFile, Command: nasty}}}
	st.snapshot(snap)
	st.sees("[red]x", "○ 日本語ホスト ", " 踏み台 ▸", "Configuration")
	inert := func() {
		t.Helper()
		content, _, _ := st.term.GetContents()
		for _, c := range content {
			for _, r := range c.Runes {
				if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200e && r <= 0x200f || r >= 0x202a && r <= 0x202e || r == 0xfffd {
					t.Fatalf("%q is on the screen:\n%s", r, st.text())
				}
			}
		}
	}
	inert()
	st.keys("/red")
	st.sees("1 of 4")
	inert()
	st.keys("Esc", "6")
	st.sees("Log")
	inert()
	q := codeQuestion()
	q.Host, q.Goal, q.Address, q.Title, q.Instruction, q.Prompts = nasty, nasty, nasty, nasty, nasty+nasty, []api.Prompt{{Text: nasty, Echo: true}}
	st.event(api.Event{Question: &q})
	st.sees("[ Decline ]")
	inert()
	for i, row := range strings.Split(strings.TrimRight(st.text(), "\n"), "\n") {
		if w := cells(row); w > 120 {
			t.Errorf("row %d is %d cells wide", i, w)
		}
	}
}

func TestAStormOfEventsIsOneScreen(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.sees("[ ] L 8080")
	start := time.Now()
	for i := range 20_000 {
		n := int64(i + 1)
		st.event(api.Event{Seq: uint64(n), Tunnel: &api.Tunnel{ID: "b8080", Host: "got-bastion", Config: configFile, State: api.TunnelUp, Open: int(n), Sent: n}})
	}
	st.sees("20000 open")
	st.term.mu.Lock()
	frames := st.term.frames
	st.term.mu.Unlock()
	t.Logf("20,000 events took %v and %d frames", time.Since(start).Round(time.Millisecond), frames)
	if frames > 2000 {
		t.Errorf("20,000 events were drawn %d times", frames)
	}
	st.keys("↓")
	st.sees("▌○ targaryen")
}

func TestQuitting(t *testing.T) {
	question := passwordQuestion()
	for _, c := range []struct {
		name string
		do   func(*stage)
	}{
		{"with q", func(st *stage) { st.keys("q") }},
		{"with Ctrl-C while a question is open", func(st *stage) {
			st.event(api.Event{Question: &question})
			st.sees("Password of")
			st.keys("abc", "Ctrl-C")
		}},
		{"with Ctrl-C while searching", func(st *stage) { st.keys("/ab", "Ctrl-C") }},
		{"by its context", func(st *stage) { st.stop() }},
		{"by its context while a shell has the terminal", func(st *stage) {
			inside := make(chan struct{})
			st.shell.attach = func() { close(inside) }
			st.shell.ready <- nil
			st.keys("Enter")
			<-inside
			st.stop()
		}},
		{"while a shell is on its way", func(st *stage) {
			st.keys("Enter")
			st.expects("start got-bastion")
			st.keys("q")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := perform(t, newFake(), 100, 30, Options{})
			st.sees("got-bastion")
			c.do(st)
			st.ended()
		})
	}
}

func TestATunnelSwitchedBeforeQuittingIsStillSwitched(t *testing.T) {
	f := &slowFake{fake: newFake(), release: make(chan struct{})}
	term := newRecordedScreen(100, 30)
	st := &stage{T: t, fake: f.fake, term: term, done: make(chan error, 1)}
	go func() { st.done <- run(context.Background(), f, Options{Screen: term}) }()
	st.sees("[ ] L 8080")
	st.keys("t")
	st.sees("opening…")
	st.keys("q")
	close(f.release)
	st.ended()
	if diff := cmp.Diff([]string{"tunnel got-bastion 8080 true"}, st.made()); diff != "" {
		t.Error(diff)
	}
}

// slowFake takes its time to switch a tunnel.
type slowFake struct {
	*fake
	release chan struct{}
}

func (f *slowFake) SetTunnel(ctx context.Context, r api.TunnelRequest) (api.Tunnel, error) {
	select {
	case <-f.release:
		return f.fake.SetTunnel(ctx, r)
	case <-ctx.Done():
		return api.Tunnel{}, ctx.Err()
	}
}

func TestMouse(t *testing.T) {
	doubleClicksAreSlow(t)
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.sees("[ ] L 8080")
	st.click("○ tyrell")
	st.sees("▌○ tyrell")
	st.click("○ tyrell") // a double click
	st.expects("start tyrell")
	st.click("○ got-bastion")
	st.sees("▌○ got-bastion")
	st.click("[ ] L 8080")
	st.expects("tunnel got-bastion 8080 true")
	st.click("6 Log")
	st.sees("Nothing has happened yet")
	st.click("? help")
	st.sees("Open a shell")
}

func (st *stage) find(text string) (x, y int) {
	st.Helper()
	for y, row := range strings.Split(st.text(), "\n") {
		if i := strings.Index(row, text); i >= 0 {
			return cells(row[:i]), y
		}
	}
	st.Fatalf("%q is not on the screen:\n%s", text, st.text())
	return 0, 0
}

// click presses the mouse on a text and lets go.
func (st *stage) click(text string) {
	st.Helper()
	x, y := st.find(text)
	st.term.InjectMouse(x, y, tcell.ButtonPrimary, tcell.ModNone)
	st.term.InjectMouse(x, y, tcell.ButtonNone, tcell.ModNone)
}

func TestRereadingKeepsTheSelection(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.sees("tyrell")
	st.keys("↓↓")
	st.sees("▌○ tyrell")
	fewer := westeros()
	fewer.names = []string{"new", "tyrell"}
	f.inv = func() *fakeInventory { return fewer }
	st.keys("r")
	st.sees("Read again: 2 hosts.", "▌○ tyrell", "○ new")
}

func TestMistakesAppearWhenTheCheckEnds(t *testing.T) {
	inv := westeros()
	inv.check = make(chan struct{})
	inv.mistakes = map[string][]api.Problem{
		"got-bastion": {{Origin: at(4, ""), Message: "the key is open", Fatal: true}},
		"tyrell":      {{Origin: at(9, ""), Message: "the line is shadowed"}},
	}
	f := newFake()
	f.inv = func() *fakeInventory { return inv }
	st := perform(t, f, 100, 40, Options{})
	st.sees("got-bastion", "config:3")
	if strings.Contains(st.text(), "the key is open") {
		t.Fatalf("found before it was looked for:\n%s", st.text())
	}
	close(inv.check)
	st.sees("✗ config:4  the key is open")
	st.keys("↓↓")
	st.sees("! config:9  the line is shadowed")
}

func TestAHostThatAProgramMayChangeNamesTheLine(t *testing.T) {
	f := newFake()
	f.inv = func() *fakeInventory {
		return &fakeInventory{names: []string{"lab", "plain"}, hosts: map[string]api.Host{
			"lab": {Name: "lab", HostName: "lab", User: "dany", Port: 22, Conditional: []api.Problem{{Origin: at(3, "Match exec x"), Message: "applies or not"}}},
		}}
	}
	st := perform(t, f, 100, 30, Options{})
	st.sees("▌○ lab", "≈ config:3", "○ plain")
	if n := strings.Count(st.text(), "≈"); n != 1 {
		t.Errorf("%d hosts have the mark:\n%s", n, st.text())
	}
}

func TestASaveIsFollowedAndABrokenOneKeepsTheList(t *testing.T) {
	f := newFake()
	versions := []*fakeInventory{
		{names: []string{"old"}, changed: make(chan struct{})},
		{names: []string{"half"}, changed: make(chan struct{}), problems: []api.Problem{{
			Origin: api.Origin{File: configFile, Line: 7}, Message: "Bad configuration option: hots", Fatal: true,
		}}},
		{names: []string{"old", "new"}},
	}
	var at atomic.Int32
	f.inv = func() *fakeInventory { return versions[at.Load()] }
	st := perform(t, f, 100, 30, Options{})
	st.sees("▌○ old")

	at.Store(1)
	close(versions[0].changed)
	st.sees("config:7: Bad configuration option: hots The list is as it was before.", "▌○ old")

	at.Store(2)
	close(versions[1].changed)
	st.sees("Read again: 2 hosts.", "▌○ old", "○ new")
	if text := st.text(); strings.Contains(text, "Bad configuration option") {
		t.Errorf("the fault is still told:\n%s", text)
	}
}

func TestEditingOpensTheLineOfTheHost(t *testing.T) {
	f := newFake()
	f.inv = func() *fakeInventory {
		return &fakeInventory{names: []string{"here"}, hosts: map[string]api.Host{
			"here": {Name: "here", HostName: "here", User: "dany", Port: 22, Origin: api.Origin{File: "/more", Line: 12}},
		}}
	}
	st := perform(t, f, 100, 30, Options{})
	st.sees("dany@here:22")
	st.keys("e")
	st.expects("edit /more:12")
}

func TestAShellOpensInAnotherWindow(t *testing.T) {
	const help = "another window of tmux"
	t.Run("where there are windows", func(t *testing.T) {
		f := newFake()
		st := perform(t, f, 100, 40, Options{Windows: true})
		st.sees("targaryen", "w window")
		st.keys("?")
		st.sees(help)
		st.keys("Esc", "w")
		st.expects("window got-bastion")
		st.sees("The shell on got-bastion is in a window of its own.")
	})
	t.Run("where there are none", func(t *testing.T) {
		f := newFake()
		f.fails["window"] = &api.Error{Message: "no other window can be opened"}
		st := perform(t, f, 100, 40, Options{})
		st.sees("targaryen")
		st.loses("w window")
		st.keys("?")
		st.sees("Open a shell. Leaving it")
		st.loses(help)
		st.keys("Esc", "w")
		st.sees("✗ no other window can be opened")
	})
}

func TestAShellIsKeptByItsHost(t *testing.T) {
	t.Run("where something keeps it", func(t *testing.T) {
		st := perform(t, newFake(), 100, 30, Options{})
		st.sees("targaryen")
		st.keys("s")
		st.expects("keep on got-bastion")
	})
	t.Run("where nothing does", func(t *testing.T) {
		f := newFake()
		f.fails["keep"] = api.NoKeeper("got-bastion")
		st := perform(t, f, 100, 30, Options{})
		st.sees("targaryen")
		st.keys("s")
		st.sees("✗ got-bastion has nothing that keeps a shell")
	})
}

func TestCopyingTheCommand(t *testing.T) {
	f := newFake()
	f.inv = func() *fakeInventory { return &fakeInventory{names: []string{"-oProxyCommand=x y"}} }
	st := perform(t, f, 100, 30, Options{})
	st.sees("-oProxy")
	st.keys("y")
	st.sees("Copied: ssh -- '-oProxyCommand=x y'")
	if got := string(st.term.GetClipboardData()); got != "ssh -- '-oProxyCommand=x y'" {
		t.Errorf("the clipboard has %q", got)
	}
}

func TestACopiedCommandNamesTheFileThatWasNamed(t *testing.T) {
	f := newFake()
	f.named = true
	st := perform(t, f, 100, 30, Options{})
	st.sees("got-bastion")
	for _, row := range []struct{ keys, want string }{
		{"y", "ssh -F " + configFile + " got-bastion"},
		{"my", "sallyport -F " + configFile + " run -H got-bastion -- "},
	} {
		st.keys(row.keys)
		st.sees("Copied: " + row.want)
		if got := string(st.term.GetClipboardData()); got != row.want {
			t.Errorf("%s: the clipboard has %q, want %q", row.keys, got, row.want)
		}
	}
}

func TestEveryKeyIsInTheHelpOrHasNoMeaningOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range keys {
		if k.do == nil {
			t.Errorf("%v does nothing", k.keys)
		}
		for bit := inList; bit < ifWindows; bit <<= 1 {
			if k.where&bit == 0 {
				continue
			}
			for _, n := range k.keys {
				id := fmt.Sprint(bit, n)
				if seen[id] {
					t.Errorf("%s is there twice for place %d", n, bit)
				}
				seen[id] = true
			}
		}
	}
}

func TestATerminalThatGoesAwayEndsTheScreen(t *testing.T) {
	term := newRecordedScreen(100, 30)
	done := make(chan error, 1)
	go func() { done <- run(context.Background(), newFake(), Options{Screen: term}) }()
	st := &stage{T: t, fake: newFake(), term: term}
	st.sees("got-bastion")
	if err := term.PostEvent(tcell.NewEventError(errRefused)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err == nil {
			t.Error("it ended without an error")
		}
	case <-time.After(time.Minute):
		t.Fatal("the screen did not end")
	}
}

func TestTheLogTellsEachPieceOfNewsOnce(t *testing.T) {
	f := newFake()
	f.fails["start"] = &api.Error{Code: "auth", Message: "no key was accepted"}
	st := perform(t, f, 100, 30, Options{})
	st.sees("got-bastion")
	st.keys("Enter")
	st.sees("✗ no key was accepted")
	st.event(api.Event{Log: &api.Entry{Time: morning, Host: "got-bastion", Message: "no key was accepted"}})
	st.event(api.Event{Log: &api.Entry{Time: morning, Host: "got-bastion", Message: "got-bastion: connected"}})
	st.keys("6")
	st.sees("got-bastion  connected")
	if n := strings.Count(st.text(), "no key was accepted"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, st.text())
	}
	st.keys("/tyr")
	st.sees("0 entries", "Nothing is told")
	st.keys("Esc")
	st.sees("got-bastion  connected")
}

// doubleClicksAreSlow has two clicks be one double click for as long as a busy
// machine takes. The test does not run beside others.
func doubleClicksAreSlow(t *testing.T) {
	before := tview.DoubleClickInterval
	tview.DoubleClickInterval = time.Minute
	t.Cleanup(func() { tview.DoubleClickInterval = before })
}

// TestWhatWeSayIsNotQuotedAsTheServers has a server that says something of the
// password which we ask for.
func TestWhatWeSayIsNotQuotedAsTheServers(t *testing.T) {
	st := perform(t, newFake(), 120, 34, Options{})
	st.sees("[ ] L 8080")
	q := passwordQuestion()
	q.FromServer, q.Instruction = true, "Your account ends in May."
	st.event(api.Event{Question: &q})
	st.sees("│ │ Your account ends in May.")
	if shown := st.text(); strings.Contains(shown, "│ │ "+q.Title) || !strings.Contains(shown, "│ "+q.Title) {
		t.Errorf("the screen shows\n%s", shown)
	}
}

package ui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
	"sallyport/config"
)

// steps are keys, each group after its text is on the screen.
type steps [][2]string

func (st *stage) follow(all steps) {
	st.Helper()
	for _, step := range all {
		st.sees(step[0])
		st.keys(strings.Split(step[1], " ")...)
	}
}

func TestFormsAreAsTheyWereApproved(t *testing.T) {
	for _, c := range []struct {
		name  string
		snap  api.Snapshot
		steps steps
		sees  string
		sizes int
	}{
		{name: "form", sees: "id_ecdsa", sizes: 3},
		{name: "form-pending", sizes: 3, sees: "3 changes", steps: steps{
			{"id_ecdsa", "j j j Enter Ctrl-U drogon Enter j x a keepalive Enter no Enter"}}},
		{name: "form-typing", sizes: 3, sees: "✗ Bad port", steps: steps{{"id_ecdsa", "G k k Enter 99999"}}},
		{name: "form-elsewhere", sizes: 3, sees: "Not changed here", steps: steps{{"id_ecdsa", "G"}}},
		{name: "form-keywords", sizes: 3, sees: "DynamicForward", steps: steps{{"id_ecdsa", "a forw"}}},
		{name: "form-refused", sizes: 2, sees: "→ take that line away", steps: steps{{"id_ecdsa", "j Enter Ctrl-U no Ctrl-S"}}},
		{name: "form-diff", sizes: 2, sees: "+    Port 2222", steps: steps{{"id_ecdsa", "j Enter Ctrl-U gpu Ctrl-S"}}},
		{name: "form-leave", sizes: 2, sees: "Keep editing", steps: steps{{"id_ecdsa", "j Enter Ctrl-U gpu Enter Esc"}}},
		{name: "form-remove", snap: afternoon(), sizes: 2, sees: "2 tunnels", steps: steps{{"Edit targaryen", "Esc"}, {"Shells", "D"}}},
		{name: "form-new", sizes: 2, sees: "▌  HostName", steps: steps{{"Edit targaryen", "Esc"}, {"Hosts", "N"}, {"New host", "meereen Enter j"}}},
	} {
		for _, size := range sizes[:c.sizes] {
			t.Run(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h), func(t *testing.T) {
				t.Parallel()
				st := perform(t, newFake(), size.w, size.h, Options{})
				st.loses("Reading")
				st.snapshot(c.snap)
				if len(c.snap.Links) > 0 {
					st.sees("refused")
				}
				st.follow(append(steps{{"got-bastion", "↓ E"}}, c.steps...))
				st.sees(c.sees)
				st.golden(fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h))
			})
		}
	}
}

// slowForms is an inventory whose forms come when they are let.
type slowForms struct {
	inventory
	let chan struct{}
}

func (i slowForms) Form(name string) api.Form {
	<-i.let
	return i.inventory.Form(name)
}

func TestKeysTypedAheadDoWhatTheyDoAfterwards(t *testing.T) {
	t.Parallel()
	f, let := newFake(), make(chan struct{})
	f.read = func() inventory { return slowForms{f.inv(), let} }
	st := perform(t, f, 80, 24, Options{})
	st.loses("Reading")
	st.snapshot(api.Snapshot{})
	st.follow(steps{{"got-bastion", "↓ E"}})
	st.sees("Reading…")
	before, ahead := st.term.shown(), []string{"G", "k", "k", "Enter", "99999"}
	st.keys(ahead...)
	st.until("the keys to be taken", func() bool { return st.term.shown() >= before+len(strings.Join(ahead, ""))-len("Enter")+1 })
	close(let)
	st.sees("✗ Bad port")
	st.golden("form-typing-80x24")
}

// realFiles is a backend on a configuration of its own directory.
func realFiles(t *testing.T, text string) (f *fake, path string) {
	t.Helper()
	dir := t.TempDir()
	paths := config.Paths{User: filepath.Join(dir, "config"), System: filepath.Join(dir, "system"), Home: dir}
	write(t, paths.User, text)
	write(t, paths.System, "Host *\n  SendEnv LANG\n")
	f = newFake()
	f.read = func() inventory { return api.ReadInventory(paths) }
	f.save = func(ctx context.Context, c *api.Change) error { return c.Apply(ctx, filepath.Join(dir, "backups")) }
	return f, paths.User
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// holds waits until a file has a text.
func (st *stage) holds(path, want string) {
	st.Helper()
	var got []byte
	st.until("the file to be written", func() bool {
		got, _ = os.ReadFile(path)
		return string(got) == want
	})
}

const lab = `Host gate
	HostName gate.example.org   # the door

# a note
Host node
	HostName 10.0.0.5
	User dany
	IdentityFile ~/.ssh/one
	IdentityFile ~/.ssh/two
	ProxyJump gate

Host *
	Compression yes
`

func TestAFormIsWrittenAsItWasMeant(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps steps
		want  *strings.Replacer // of lab
		after string            // on the screen, once it is written
	}{
		{"a value is changed", steps{{"▌○ node", "E"}, {"Set elsewhere", "j j j Enter Ctrl-U drogon Ctrl-S"}, {"+    User drogon", "y"}},
			strings.NewReplacer("User dany", "User drogon"), "▌○ node"},
		{"one of several lines is changed, another removed", steps{{"▌○ node", "E"}, {"Set elsewhere", "j j j j Enter Backspace x Enter j x Ctrl-S"}, {"-    IdentityFile ~/.ssh/two", "y"}},
			strings.NewReplacer("one", "onx", "\tIdentityFile ~/.ssh/two\n", ""), "▌○ node"},
		{"an option is found by what it does, and chosen from its words", steps{{"▌○ node", "E"}, {"Set elsewhere", "a"}, {"Keyword:", "rhythm"}, {"▌ObscureKeystrokeTiming", "Esc a"}, {"Keyword:", "scripts"}, {"▌BatchMode", "Enter Down Enter Ctrl-S"}, {"+    BatchMode yes", "y"}},
			strings.NewReplacer("gate\n\nHost *", "gate\n\tBatchMode yes\n\nHost *"), "▌○ node"},
		{"what is set for all gets a value of its own", steps{{"▌○ node", "E"}, {"Set elsewhere", "G"}, {"Not changed here", "k Enter no Enter Ctrl-S"}, {"+    Compression no", "y"}},
			strings.NewReplacer("gate\n\nHost *", "gate\n\tCompression no\n\nHost *"), "▌○ node"},
		{"a forward is added as behind -L", steps{{"▌○ node", "f"}, {"▌+ LocalForward", "8080:localhost:80 Ctrl-S"}, {"+    LocalForward 8080 localhost:80", "y"}},
			strings.NewReplacer("gate\n\nHost *", "gate\n\tLocalForward 8080 localhost:80\n\nHost *"), "▌○ node"},
		{"M has ssh share the connection", steps{{"▌○ node", "M"}, {"+    ControlPersist 10m", "y"}},
			strings.NewReplacer("gate\n\nHost *", "gate\n\tControlMaster auto\n\tControlPath ~/.ssh/cm-%C\n\tControlPersist 10m\n\nHost *"), "▌○ node"},
		{"tags are set", steps{{"▌○ node", "E"}, {"Set elsewhere", "j Enter gpu,lab Ctrl-S"}, {"+# Tags: gpu, lab", "y"}},
			strings.NewReplacer("# a note\n", "# a note\n# Tags: gpu, lab\n"), "▌○ node"},
		{"a host is renamed, in the jumps of others too", steps{{"▌○ node", "k"}, {"▌○ gate", "E"}, {"▌  Name", "Enter way Ctrl-S"}, {"ProxyJump gateway", "y"}},
			strings.NewReplacer("Host gate", "Host gateway", "ProxyJump gate", "ProxyJump gateway"), "▌○ gateway"},
		{"a host is added", steps{{"▌○ node", "N"}, {"New host", "fresh Enter j Enter fresh.example.org Enter Enter me Ctrl-S"}, {"+    User me", "y"}},
			strings.NewReplacer("Host *", "Host fresh\n\tHostName fresh.example.org\n\tUser me\n\nHost *"), "▌○ fresh"},
		{"a host is removed", steps{{"▌○ node", "D"}, {"Remove node from", "y"}},
			strings.NewReplacer(lab[strings.Index(lab, "# a note"):strings.Index(lab, "Host *")], ""), "▌○ gate"},
		{"the diff is declined, then agreed to", steps{{"▌○ node", "E"}, {"Set elsewhere", "j j j Enter Ctrl-U drogon Ctrl-S"}, {"+    User drogon", "n"}, {"1 change", "Ctrl-S"}, {"+    User drogon", "Ctrl-S"}},
			strings.NewReplacer("User dany", "User drogon"), "▌○ node"},
		{"a change is taken back", steps{{"▌○ node", "E"}, {"Set elsewhere", "j j j Enter Ctrl-U drogon Enter j x k u Ctrl-S"}, {"-    IdentityFile ~/.ssh/one", "y"}},
			strings.NewReplacer("\tIdentityFile ~/.ssh/one\n", ""), "▌○ node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, path := realFiles(t, lab)
			st := perform(t, f, 100, 30, Options{})
			st.follow(append(steps{{"▌○ gate", "↓"}}, c.steps...))
			st.holds(path, c.want.Replace(lab))
			st.sees("Written: ", c.after)
			if text := st.text(); strings.Contains(text, "Edit ") || strings.Contains(text, "New host") {
				t.Errorf("the form is still there:\n%s", text)
			}
			if kept, err := filepath.Glob(filepath.Join(filepath.Dir(path), "backups", "*")); len(kept) != 1 || err != nil {
				t.Errorf("the old file is kept as %q", kept)
			}
		})
	}
}

func TestWhatSSHWouldRefuseStaysInItsField(t *testing.T) {
	f, path := realFiles(t, lab)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ gate", "↓"}, {"▌○ node", "E"}, {"Set elsewhere", "a Port"}, {"▌Port", "Enter 70000"}, {"✗ Bad port '70000'.", "Enter Ctrl-S"}})
	st.sees("70000", "Takes  a number from 1 to 65535", "Now    22  (default)")
	st.keys("Backspace")
	st.loses("Bad port")
	st.keys("Enter", "Ctrl-S")
	st.sees("+    Port 7000")
	st.keys("Esc")
	st.follow(steps{{"▌+ Port", "Enter Ctrl-U 1 Left"}})
	st.keys("2 ", "Right", "3")
	st.sees("✗ keyword port extra arguments", "→ A value with spaces stands in quotes.", "2 13")
	st.holds(path, lab)
}

func TestARefusalStandsBesideTheFormAndNothingIsLost(t *testing.T) {
	const text = "User root\n\nHost web\n  HostName web.example.org\n\nHost other\n  ProxyJump web\n"
	f, path := realFiles(t, text)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ web", "E"}, {"web.example.org", "j j x a User"}, {"▌User", "Enter bob Ctrl-S"}})
	st.sees(`a User for "web" would have no effect: User root at`, "→ change that line", "+ User", "- HostName", "2 changes")
	st.keys("u", "Ctrl-S")
	st.sees("-  HostName web.example.org")
	st.keys("Esc", "Esc", "d", "Enter", "D")
	st.sees(`✗ a host is reached through "web": ProxyJump web`)
	st.holds(path, text)
}

func TestALineThatIsNotTheHostsOwnSaysWhyItStays(t *testing.T) {
	f, _ := realFiles(t, "Host a b\n  Port 7\n\nHost a\n  User x\n  Include none*\n\nMatch host a\n  BatchMode yes\n")
	st := perform(t, f, 200, 40, Options{})
	st.follow(steps{{"▌○ a", "E"}, {"User ", "G"}})
	st.sees("Not changed here:", "is the system's, and is not edited.")
	st.keys("k")
	st.sees(`Not changed here: "Match host a" is for other hosts, too.`)
	st.keys("k")
	st.sees(`Not changed here: "Host a b" is for other hosts, too.`)
	st.keys("x")
	st.sees(`"Host a b" is for other hosts, too. Enter gives the host a value of its own.`)
}

func TestAFileThatOthersChangeIsNotOverwritten(t *testing.T) {
	f, path := realFiles(t, lab)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ gate", "↓"}, {"▌○ node", "E"}, {"Set elsewhere", "j j j Enter Ctrl-U drogon Ctrl-S"}})
	st.sees("+    User drogon")
	theirs := strings.Replace(lab, "Compression yes", "Compression no", 1)
	write(t, path, theirs)
	st.keys("y")
	st.sees("was changed by another", "→ look at it and try again", "1 change", "drogon")
	st.holds(path, theirs)
	st.sees("config:13 Host *") // and read again
	st.until("the file to be read again", func() bool { return strings.Contains(st.text(), "Compression   no") })
	st.keys("Ctrl-S")
	st.sees("+    User drogon")
	st.keys("y")
	st.holds(path, strings.Replace(theirs, "dany", "drogon", 1))

	st.sees("▌○ node")
	st.keys("E")
	st.follow(steps{{"drogon", "j j j Enter Ctrl-U rhaegal Enter"}, {"was drogon", "k"}})
	write(t, path, strings.Replace(theirs, "dany", "viserion", 1))
	st.sees("User          viserion", "! User          rhaegal", "no longer drogon")
	st.keys("Ctrl-S")
	st.sees(`✗ the block of "node" has no line User drogon`)
	st.keys("G", "Esc", "d", "Enter")
	st.loses("Edit node")
}

func TestAValueThatIsOnlyLookedAtStaysToTheByte(t *testing.T) {
	long := strings.Repeat("a,", fieldLimit)
	text := "Host web\n  LocalForward 8080\tlocalhost:80\n  User a\xffb\n  SetEnv A=" + long + "\n  Port 7\n"
	f, path := realFiles(t, text)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ web", "E"}, {"Set elsewhere", "j j Enter Enter"}})
	st.keys("j", "Enter")
	st.sees("▌  User", "This value cannot be shown in a field")
	st.keys("j", "Enter")
	st.sees("▌  SetEnv", "This value cannot be shown in a field")
	st.keys("Ctrl-S")
	st.sees("Nothing is changed.")
	st.keys("j", "Enter", "Backspace", "8", "Ctrl-S")
	st.sees("LocalForward 8080    localhost:80", "more ↓")
	st.keys("G")
	st.sees("+  Port 8")
	st.keys("y")
	st.holds(path, strings.Replace(text, "Port 7", "Port 8", 1))
}

func TestALineThatSaysOnlyTheDefaultIsNotWritten(t *testing.T) {
	f, path := realFiles(t, lab)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ gate", "E"}, {"Set elsewhere", "a TCPK"}, {"▌TCPKeepAlive", "Enter Tab Enter"}})
	st.sees("▌+ TCPKeepAlive", "! ssh takes this anyway, so no line is written for it.")
	st.keys("Ctrl-S")
	st.sees("The file stays as it is: ssh takes these values anyway.")
	st.holds(path, lab)
}

func TestEscAsksOnceIfSomethingIsPending(t *testing.T) {
	f, path := realFiles(t, lab)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ gate", "E"}, {"# the door", "Esc"}})
	st.loses("Edit gate")
	st.keys("E")
	st.follow(steps{{"# the door", "a Esc j Enter lab Esc Esc"}}) // what was only typed is not pending
	st.loses("Edit gate")
	st.keys("E")
	st.follow(steps{{"# the door", "j Enter lab Enter j x Esc"}, {"2 changes of gate are not saved.", "k Enter"}, {"▌- HostName", "Esc"}, {"Leave without saving?", "d Enter"}})
	st.loses("Edit gate")
	st.holds(path, lab)
}

func TestEnterOnAnOptionOpensTheFormThere(t *testing.T) {
	f, _ := realFiles(t, lab)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ gate", "↓"}, {"config:7", "Tab G Enter"}})
	st.sees("Edit node", "▌  ProxyJump     gate")
}

func TestAQuestionWaitsForTheValueToBeTyped(t *testing.T) {
	f, _ := realFiles(t, lab)
	st := perform(t, f, 100, 30, Options{})
	st.follow(steps{{"▌○ gate", "E"}, {"# the door", "j j Enter x"}})
	st.sees("orgx")
	before := st.term.shown()
	st.snapshot(api.Snapshot{Questions: []api.Question{passwordQuestion()}})
	st.until("the question to have come", func() bool { return st.term.shown() > before })
	st.keys("y")
	st.sees("orgxy")
	if strings.Contains(st.text(), "Password of rech042") {
		t.Fatalf("the question came between:\n%s", st.text())
	}
	st.keys("Enter")
	st.sees("Password of rech042")
}

// TestTheFormIsReachedByMouse clicks seven times. To tview the second of two
// clicks is a double one wherever the first was; to the form only on the same row.
func TestTheFormIsReachedByMouse(t *testing.T) {
	doubleClicksAreSlow(t)
	f, path := realFiles(t, lab)
	st := perform(t, f, 120, 30, Options{})
	st.sees("▌○ gate")
	st.click("E edit")
	st.sees("# the door")
	st.click("HostName")
	st.sees("▌  HostName", "Enter change")
	st.click("HostName")
	st.click("HostName")
	st.sees("Enter take")
	st.keys("x")
	st.click("Tags")
	st.sees("▌  Tags", "was gate.example.org")
	st.click("Ctrl-S save")
	st.sees("+    HostName gate.example.orgx")
	st.click("y yes")
	st.holds(path, strings.Replace(lab, "example.org", "example.orgx", 1))
}

func TestTheCaretMovesInAValue(t *testing.T) {
	for _, c := range []struct{ name, text, keys, want string }{
		{"it starts behind the text", "abc", "x", "abcx"},
		{"left and right", "a€c", "Left Left x Right y", "ax€yc"},
		{"to the ends", "abc", "Home x End y", "xabcy"},
		{"no further than the ends", "a", "Left Left Right Right Right x", "ax"},
		{"both ways of erasing", "abcd", "Left Left Delete Backspace", "ad"},
		{"the line before the caret", "abcd", "Left Ctrl-U x", "xd"},
	} {
		names := map[string]tcell.Key{"Left": tcell.KeyLeft, "Right": tcell.KeyRight, "Home": tcell.KeyHome, "End": tcell.KeyEnd,
			"Delete": tcell.KeyDelete, "Backspace": tcell.KeyBackspace2, "Ctrl-U": tcell.KeyCtrlU}
		e := newEntry(formRow{}, c.text)
		for _, name := range strings.Fields(c.keys) {
			k, ok := names[name]
			if !ok {
				k = tcell.KeyRune
			}
			if !e.key(tcell.NewEventKey(k, rune(name[0]), tcell.ModNone)) {
				t.Errorf("%s: %s is no key for it", c.name, name)
			}
		}
		if e.value() != c.want {
			t.Errorf("%s: %q, not %q", c.name, e.value(), c.want)
		}
	}
}

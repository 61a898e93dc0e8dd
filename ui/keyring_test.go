package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
	sshkeys "sallyport/keys"
)

// The public halves of the keys of these tests, whose private halves nobody has.
const (
	edLine  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl user@localhost"
	ecLine  = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg= dany@castlerock"
	hwLine  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDz8G6xwVEgrtBaSTCqAhnNRNn4NjSzWfNMBPYd3n9Xs daenerys@dragonstone"
	keyHome = "/home/dany/.ssh/"
)

// pairOf is the pair of a public line.
func pairOf(t *testing.T, name, text string) *api.KeyPair {
	t.Helper()
	public, comment, ok := sshkeys.ParsePublic([]byte(text))
	if !ok {
		t.Fatalf("%q is no key", text)
	}
	facts := sshkeys.Of(&sshkeys.Key{Public: public, Comment: comment})
	if facts.Path = keyHome + name; name != "" {
		facts.Mode, facts.Owner, facts.PublicFile = "0600", "dany", sshkeys.PublicPresent
		facts.Private = &sshkeys.Lock{Format: sshkeys.FormatOpenSSH, Encrypted: true, Cipher: "aes256-ctr", Rounds: 16}
	} else {
		facts.Path = ""
	}
	return &api.KeyPair{Facts: facts, Hosts: []string{}}
}

// ringOf is what a person may have: a good key in the agent, one that others can
// read, a certificate, one that is none, and one that only the agent has.
func ringOf(t *testing.T) []*api.KeyPair {
	t.Helper()
	good, open, agent := pairOf(t, "id_ed25519", edLine), pairOf(t, "id_ecdsa", ecLine), pairOf(t, "", hwLine)
	good.InAgent, agent.InAgent = true, true
	good.Hosts = []string{"spirit1", "jean-zay"}
	good.Certificate = &sshkeys.Certificate{ID: "dany@ca", Principals: []string{"dany", "root"}, After: morning, Before: morning.Add(24 * time.Hour)}
	open.Hosts = []string{"targaryen", "martell", "got-bastion", "behind-socks", "far-away", "work-ens"}
	open.Mode, open.Private = "0644", &sshkeys.Lock{Format: sshkeys.FormatOpenSSH}
	open.Findings = []sshkeys.Finding{
		{Rule: sshkeys.RuleOpen, Message: "others can reach it: its mode is 0644", Fix: "chmod 600 " + keyHome + "id_ecdsa"},
		{Rule: "unencrypted", Message: "it has no passphrase", Fix: "ssh-keygen -p -f " + keyHome + "id_ecdsa"},
	}
	none := &api.KeyPair{Facts: &sshkeys.Facts{Path: keyHome + "notes", Mode: "0600", Owner: "dany", PublicFile: sshkeys.PublicMissing}}
	none.Findings = []sshkeys.Finding{{Rule: "not-private", Message: "it is not a private key", Fix: "mv -n " + keyHome + "notes " + keyHome + "notes.broken"}}
	return []*api.KeyPair{open, good, none, agent}
}

// onKeys is the page of keys.
func onKeys(t *testing.T, pairs []*api.KeyPair, w, h int, o Options) (*stage, *fakeInventory) {
	t.Helper()
	f, v := newFake(), westeros()
	v.pairs, v.pairsNow, v.unlooked = pairs, make(chan api.Keyring), make(chan struct{}, 1)
	f.inv = func() *fakeInventory { return v }
	st := perform(t, f, w, h, o)
	st.sees("Hosts")
	st.loses("Reading")
	st.keys("4")
	st.until("the page of keys", func() bool { return strings.Contains(st.text(), "┌ Keys") || strings.Contains(st.text(), "+ Keys") })
	st.loses("Reading")
	return st, v
}

func TestTheKeysPageIsAsItWasApproved(t *testing.T) {
	for _, c := range []struct {
		name  string
		pairs []*api.KeyPair
		keys  []string
		sees  string
	}{
		{"keys", ringOf(t), nil, "2 in the agent"},
		{"keys-none", nil, nil, "sallyport key new"},
		{"keys-detail", ringOf(t), []string{"j", "Enter"}, "aes256-ctr with 16 rounds"},
		{"keys-new", ringOf(t), []string{"n", "winter is coming"}, "strength: about"},
		{"keys-import", ringOf(t), []string{"p", "~/Downloads/cluster.ppk"}, "Import it"},
		{"keys-install", ringOf(t), []string{"j", "i"}, "Leave it"},
	} {
		for _, size := range sizes {
			name := fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				st, _ := onKeys(t, c.pairs, size.w, size.h, Options{})
				st.keys(c.keys...)
				st.sees(c.sees)
				st.golden(name)
			})
		}
	}
}

func TestKeysOfTheKeysPage(t *testing.T) {
	for _, row := range []struct {
		name  string
		pairs []*api.KeyPair
		keys  []string
		call  string
		sees  string
		copy  string
	}{
		{"f mends an open mode", ringOf(t), []string{"f"}, "mend " + keyHome + "id_ecdsa mode-open", "Done: chmod 600 " + keyHome + "id_ecdsa", ""},
		{"and copies what a person has to do", ringOf(t), []string{"jj", "f"}, "", "Copied: mv -n ", "mv -n " + keyHome + "notes " + keyHome + "notes.broken"},
		{"where nothing is wrong it says so", ringOf(t), []string{"j", "f"}, "", "Nothing is wrong with this key.", ""},
		{"y copies the public line", ringOf(t), []string{"j", "y"}, "", "Copied the public half of", edLine},
		{"which is not always known", ringOf(t), []string{"jj", "y"}, "", "Its public half is not known.", ""},
		{"Enter tells all of a key", ringOf(t), []string{"Enter"}, "", "others can reach it", ""},
		{"f mends there too", ringOf(t), []string{"Enter", "f"}, "mend " + keyHome + "id_ecdsa mode-open", "Done: chmod 600", ""},
		{"y copies there too", ringOf(t), []string{"G", "Enter", "y"}, "", "Copied the public half of (agent only)", hwLine},
		{"Esc leaves it", ringOf(t), []string{"Enter", "Esc"}, "", "2 in the agent", ""},
		{"no key is nothing to open", nil, []string{"Enter"}, "", "There is no key here.", ""},
		{"a takes a key out of the agent", ringOf(t), []string{"j", "a"}, "forget user@localhost", "The agent has forgotten", ""},
		{"one that only the agent has not without asking", ringOf(t), []string{"G", "a", "k", "Enter"}, "", "2 in the agent", ""},
		{"but it may", ringOf(t), []string{"G", "a", "t", "Enter"}, "forget daenerys@dragonstone", "The agent has forgotten (agent only)", ""},
		{"what is no key is not given", ringOf(t), []string{"jj", "a"}, "", "Its private half is not here.", ""},
		{"i installs on the selected host, once that is agreed to", ringOf(t), []string{"j", "i", "i", "Enter"}, "install " + keyHome + "id_ed25519 got-bastion", "a new login with it alone works.", ""},
		{"which may be left", ringOf(t), []string{"j", "i", "l", "Enter"}, "", "2 in the agent", ""},
		{"what only the agent has is not installed", ringOf(t), []string{"G", "i"}, "", "Only the agent has this key", ""},
		{"n makes a key", ringOf(t), []string{"n", "winter", "Enter", "winter", "Enter"}, `make ed25519 256 "" "" "winter"`, "Made ", ""},
		{"two passphrases make none", ringOf(t), []string{"n", "winter", "Enter", "summer", "Enter"}, "", "The passphrases differ.", ""},
		{"no passphrase has to be meant", ringOf(t), []string{"n", "Tab", "Enter"}, "", "could use it: choose to make it without.", ""},
		{"and then it is none", ringOf(t), []string{"n", "Tab", "Tab", "Tab", "Enter"}, `make ed25519 256 "" "" ""`, "Made ", ""},
		{"a size that no key has is refused", ringOf(t), []string{"n", "Tab", "Tab", "Tab", "Tab", "Tab", "Ctrl-U", "rsa 1024", "Tab", "Tab", "Tab", "w", "Enter", "w", "Enter"}, "", "rsa keys of 1024 bits are not made here", ""},
		{"p asks for a key of PuTTY", ringOf(t), []string{"p", "Enter"}, "", "Name the file, or drop it here.", ""},
		{"1 goes to the hosts", ringOf(t), []string{"Enter", "1"}, "", "Configuration", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			st, _ := onKeys(t, row.pairs, 120, 34, Options{})
			st.keys(row.keys...)
			st.sees(row.sees)
			if row.call != "" {
				st.expects(row.call)
			} else if len(st.made()) > 0 {
				t.Errorf("it did %q", st.made())
			}
			if got := string(st.term.GetClipboardData()); got != row.copy {
				t.Errorf("the clipboard has %q", got)
			}
		})
	}
}

func TestTheAgentIsGivenAKeyThatIsUnlockedFirst(t *testing.T) {
	st, _ := onKeys(t, ringOf(t), 120, 34, Options{})
	st.keys("a")
	st.sees("Unlocks the key file " + keyHome + "id_ecdsa on this computer")
	st.keys("winter")
	st.sees("••••••")
	st.keys("Enter")
	st.expects("hold " + keyHome + `id_ecdsa ["winter"]`)
	st.sees("The agent holds")
}

// A terminal pastes the name of a file that is dropped on it.
func TestAKeyOfPuTTYIsDroppedOnThePage(t *testing.T) {
	for _, row := range []struct{ name, text, path string }{
		{"as it is", "/home/dany/cluster.ppk", "/home/dany/cluster.ppk"},
		{"in quotes, with a blank behind", "'/home/dany/my key.ppk' ", "/home/dany/my key.ppk"},
		{"in quotes with one in it", `'/home/dany/it'\''s.ppk'`, "/home/dany/it's.ppk"},
		{"in double quotes", `"/home/dany/my key.PPK"`, "/home/dany/my key.PPK"},
		{"with backslashes", `/home/dany/my\ \(old\)\ key.ppk`, "/home/dany/my (old) key.ppk"},
		{"as an address", "file:///home/dany/my%20key.ppk\r\n", "/home/dany/my key.ppk"},
		{"several, of which the first counts", "/home/dany/a.ppk /home/dany/b.ppk", "/home/dany/a.ppk"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			st, _ := onKeys(t, ringOf(t), 120, 34, Options{})
			st.paste(row.text)
			st.sees("Import a key of PuTTY", row.path)
			st.keys("Tab", "Enter")
			st.sees("The key is locked.")
			st.keys("winter", "Enter")
			st.expects("import " + row.path + ` ["winter"]`)
			st.sees("Imported " + keyHome + "cluster.")
		})
	}
}

func TestWhatIsNoKeyOfPuTTYIsNotImported(t *testing.T) {
	st, _ := onKeys(t, ringOf(t), 120, 34, Options{})
	st.paste("ssh-ed25519 AAAA")
	st.sees("a key of PuTTY, a file whose name ends in .ppk.")
	st.keys("p")
	st.paste("/home/dany/a.ppk\nrest") // into the field
	st.sees("/home/dany/a.ppk")
	st.keys("Esc")
	st.loses("Import")
	if made := st.made(); len(made) > 0 {
		t.Errorf("it did %q", made)
	}
}

func TestAKeyIsInstalledOnTheMarkedHosts(t *testing.T) {
	f, v := newFake(), westeros()
	v.pairs, v.unlooked = ringOf(t), make(chan struct{}, 1)
	f.inv, f.fails["install"] = func() *fakeInventory { return v }, &api.Error{Code: "managed", Message: "the site manages its keys itself", Hints: []string{"paste the line on the page of your account there"}}
	st := perform(t, f, 120, 34, Options{})
	st.sees("Hosts")
	st.loses("Reading")
	st.keys("m", "m", "4")
	st.sees("2 in the agent")
	st.keys("i")
	st.sees("authorized_keys on ")
	st.keys("i", "Enter")
	st.sees("0 of 2 hosts are done")
	if n := len(st.made()); n != 2 {
		t.Errorf("it did %q", st.made())
	}
	if got := string(st.term.GetClipboardData()); got != edLine {
		t.Errorf("the clipboard has %q", got)
	}
	st.keys("6")
	st.sees("the key is not installed: the site manages its keys itself")
}

func TestKeysAreFollowedOnlyWhileTheyAreShown(t *testing.T) {
	st, v := onKeys(t, ringOf(t)[:1], 120, 34, Options{})
	st.sees("1 key, 2 findings")
	v.pairsNow <- api.Keyring{Pairs: ringOf(t)[1:2]}
	st.sees("1 key, 1 in the agent", "● ")
	st.keys("Enter")
	st.sees("Key ─ ")
	v.pairsNow <- api.Keyring{Problems: []error{errRefused}} // that key has gone
	st.sees("✗ connection refused")
	st.keys("1")
	select {
	case <-v.unlooked:
	case <-time.After(time.Minute):
		t.Error("the keys are still looked at")
	}
}

func TestADoubleClickTellsAllOfAKey(t *testing.T) {
	doubleClicksAreSlow(t)
	st, _ := onKeys(t, ringOf(t), 120, 34, Options{})
	x, y := st.find("id_ed25519")
	click := func() {
		st.term.InjectMouse(x, y, tcell.ButtonPrimary, tcell.ModNone)
		st.term.InjectMouse(x, y, tcell.ButtonNone, tcell.ModNone)
	}
	click()
	st.sees("▌●")
	click()
	st.sees("Key ─ ")
}

func TestTheKeysPageIsInert(t *testing.T) {
	bad := ringOf(t)[0]
	bad.Path, bad.Comment, bad.Hosts = keyHome+"id\x1b]0;x\a", "me\x1b[31m\u202e", []string{"\x1b[2Jhost"}
	st, _ := onKeys(t, []*api.KeyPair{bad}, 120, 34, Options{ASCII: true, NoColor: true})
	st.sees("1 key")
	for _, k := range []string{"j", "Enter"} {
		st.keys(k)
		for _, r := range st.settled() {
			if r > 0x7e || r < ' ' && r != '\n' {
				t.Fatalf("%q is on the screen:\n%s", r, st.text())
			}
		}
	}
	if !strings.Contains(st.text(), "SHA256") {
		t.Errorf("the key is not told:\n%s", st.text())
	}
}

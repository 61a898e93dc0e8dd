//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// traveller has keys, known_hosts and a configuration to send to an account.
type traveller struct {
	accountInstaller
	dir string // what travels
}

func newTraveller(t *testing.T, a *sshtest.Account) traveller {
	t.Helper()
	a.Run(t)
	tr := traveller{accountInstaller{newInstaller(t, a.Server), a}, filepath.Join(t.TempDir(), "ssh")}
	if err := os.MkdirAll(filepath.Join(tr.dir, "sites"), 0o700); err != nil {
		t.Fatal(err)
	}
	sshtest.Keygen(t, filepath.Join(tr.dir, "id_lab"), "summer", "-t", "ed25519", "-C", "jon@wall")
	sshtest.Keygen(t, filepath.Join(tr.dir, "sites", "it's bare"), "", "-t", "ed25519")
	if err := os.WriteFile(filepath.Join(tr.dir, "known_hosts"), []byte("wall ssh-ed25519 AAAA\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return tr
}

// send sends all, and gives the states by their names.
func (tr traveller) send(t *testing.T, args ...string) (states map[string]string, errs string, err error) {
	t.Helper()
	args = append([]string{"pack", "--json", "--directory", tr.dir, "--to", sshtest.Alias, filepath.Join(tr.dir, "id_lab"), filepath.Join(tr.dir, "sites", "it's bare")}, args...)
	out, errs, err := tr.run(args...)
	var got struct {
		Host  string
		Files []keys.Placement
	}
	if e := json.Unmarshal([]byte(out), &got); e != nil && err == nil {
		t.Fatalf("%v: %q, and on standard error %q", e, out, errs)
	}
	states = map[string]string{}
	for _, f := range got.Files {
		states[f.Name] = f.State
	}
	return states, errs, err
}

// text is that of a file that travels.
func (tr traveller) text(t *testing.T, name string) string {
	t.Helper()
	return read(t, filepath.Join(tr.dir, name))
}

// file is one in the home there.
func (tr traveller) file(t *testing.T, mode, name, of string) string {
	t.Helper()
	return fmt.Sprintf("%s %s 4711 %q", mode, name, tr.text(t, of))
}

// all is what every file becomes.
func all(state string) map[string]string {
	states := map[string]string{}
	for _, name := range []string{"id_lab", "id_lab.pub", "sites/it's bare", "sites/it's bare.pub", "known_hosts"} {
		states[name] = state
	}
	return states
}

func TestKeysGoStraightToAHost(t *testing.T) {
	for _, row := range []struct{ name, shell, before string }{
		{"dash", "dash", ""},
		{"bash", "bash", `mount --bind "$(command -v bash)" "$(readlink -f /bin/sh)"`}, // also as sh
		{"fish", "fish", ""},
		{"csh", "csh", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			tr := newTraveller(t, sshtest.NewAccount(t, "h/home of jon's  $HOME", sshtest.Program(t, row.shell), row.before))
			want := []string{
				`drwx------ .ssh 4711 ""`,
				tr.file(t, "-rw-------", ".ssh/id_lab", "id_lab"),
				tr.file(t, "-rw-r--r--", ".ssh/id_lab.pub", "id_lab.pub"),
				tr.file(t, "-rw-r--r--", ".ssh/known_hosts", "known_hosts"),
				`drwx------ .ssh/sites 4711 ""`,
				tr.file(t, "-rw-------", ".ssh/sites/it's bare", "sites/it's bare"),
				tr.file(t, "-rw-r--r--", ".ssh/sites/it's bare.pub", "sites/it's bare.pub"),
			}
			for _, state := range []string{keys.PlaceNew, keys.PlaceSame} {
				states, errs, err := tr.send(t, "--yes")
				if diff := cmp.Diff(all(state), states); err != nil || diff != "" {
					t.Errorf("%v: what becomes of the files (-want +got):\n%s%s", err, diff, errs)
				}
				if diff := cmp.Diff(want, stateOf(t, tr.account.Home)[1:]); diff != "" {
					t.Errorf("the home there holds, with all %s (-want +got):\n%s", state, diff)
				}
				for _, said := range []string{"private halves travel: id_lab, sites/it's bare\n", "whoever runs targaryen can read them there", "sites/it's bare has no passphrase of its own"} {
					if !strings.Contains(errs, said) {
						t.Errorf("it does not warn of %q: %s", said, errs)
					}
				}
			}
		})
	}
}

// What is there stays, also a link that leads nowhere.
func TestSendingWritesOverNothing(t *testing.T) {
	tr := newTraveller(t, sshtest.NewAccount(t, "jon", "/bin/sh", ""))
	a := tr.account
	a.Put(t, ".ssh/id_lab", "another", 0o600)
	a.Put(t, ".ssh/known_hosts", "a second", 0o600)
	a.Put(t, ".ssh/unpacked/known_hosts", "a third", 0o600)
	if err := os.Symlink("nowhere", filepath.Join(a.Home, ".ssh/id_lab.pub")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"id_lab": keys.PlaceAside, "id_lab.pub": keys.PlaceAside, "known_hosts": keys.PlaceSkipped,
		"sites/it's bare": keys.PlaceNew, "sites/it's bare.pub": keys.PlaceNew,
	}
	for range 2 {
		states, errs, err := tr.send(t, "--yes")
		if diff := cmp.Diff(want, states); err != nil || diff != "" {
			t.Errorf("%v: what becomes of the files (-want +got):\n%s%s", err, diff, errs)
		}
		want["sites/it's bare"], want["sites/it's bare.pub"] = keys.PlaceSame, keys.PlaceSame
		for name, text := range map[string]string{
			"id_lab": "another", "known_hosts": "a second", "unpacked/known_hosts": "a third",
			"unpacked/id_lab": tr.text(t, "id_lab"), "unpacked/id_lab.pub": tr.text(t, "id_lab.pub"),
		} {
			if got := read(t, filepath.Join(a.Home, ".ssh", name)); got != text {
				t.Errorf("%s is %q", name, got)
			}
		}
		if to, err := os.Readlink(filepath.Join(a.Home, ".ssh/id_lab.pub")); to != "nowhere" {
			t.Errorf("the link leads to %q, %v", to, err)
		}
	}
}

// Where the files cannot be set up, the far side stays as it was.
func TestKeysThatCannotBeSentAreOneSentence(t *testing.T) {
	for _, row := range []struct {
		name, before, shell, says string
		lines                     []string
	}{
		{name: "a read-only home", before: `mount --bind "$home" "$home"; mount -o remount,bind,ro "$home"`,
			says: `on "targaryen", making ~/.ssh: the file system is read-only`},
		{name: "a full disk", before: `mount -t tmpfs -o size=16k,mode=755,uid=4711,gid=4711 none "$home"; mkdir -m 700 "$home/.ssh"; chown 4711 "$home/.ssh"; cat /dev/zero >"$home/fill" 2>/dev/null || :`,
			says: `on "targaryen", unpacking the files: its disk is full`},
		{name: "no tar", lines: []string{"SetEnv PATH=/usr/bin"}, before: `mkdir "$home/../few"; cp /bin/mkdir /bin/rm /bin/sh "$home/../few"; mount --bind "$home/../few" /usr/bin`,
			says: `on "targaryen", unpacking the files: there is no tar`},
		{name: "a forced command that keeps what it is told", lines: []string{`ForceCommand head -n 20 >"$HOME/told"; echo only backups`},
			says: `the account on "targaryen" runs a command of its own in place of a shell`},
	} {
		t.Run(row.name, func(t *testing.T) {
			tr := newTraveller(t, sshtest.NewAccount(t, "jon", "/bin/sh", row.before, row.lines...))
			states, errs, err := tr.send(t, "--yes")
			if err == nil || len(states) > 0 || !strings.Contains(errs, row.says) {
				t.Errorf("%v: %v: %s", err, states, errs)
			}
			for _, line := range stateOf(t, tr.account.Home) {
				if strings.Contains(line, "PRIVATE KEY") || strings.Contains(line, " .ssh/.sallyport.") {
					t.Errorf("it has left %s", line)
				}
			}
		})
	}
}

// TestNoTextOfAKeyIsInACommandLine has a tar there that looks at its parents.
func TestNoTextOfAKeyIsInACommandLine(t *testing.T) {
	tr := newTraveller(t, sshtest.NewAccount(t, "jon", "/bin/sh", `mount -t tmpfs none /usr/local/bin; cat >/usr/local/bin/tar <<'E'
#!/bin/sh
cat /proc/[0-9]*/cmdline /proc/self/environ 2>/dev/null | tr '\0' '\n' >"$HOME/seen"
exec /usr/bin/tar "$@"
E
chmod 755 /usr/local/bin/tar`, "SetEnv PATH=/usr/local/bin:/usr/bin:/bin"))
	if _, errs, err := tr.send(t, "--yes"); err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	seen := read(t, filepath.Join(tr.account.Home, "seen"))
	if !strings.Contains(seen, "sshd") {
		t.Fatalf("it has seen nothing: %q", seen)
	}
	for _, name := range []string{"id_lab", "sites/it's bare"} {
		for line := range strings.Lines(tr.text(t, name)) {
			if strings.Contains(seen, strings.TrimSpace(line)) {
				t.Errorf("a command line has %q", line)
			}
		}
	}
	if log := tr.account.Log(); strings.Contains(log, "PRIVATE") {
		t.Errorf("the log has it: %s", log)
	}
}

// The warning comes before anything travels, and before a connection is made.
func TestNothingTravelsWithoutAYes(t *testing.T) {
	tr := newTraveller(t, sshtest.NewAccount(t, "jon", "/bin/sh", ""))
	_, errs, err := tr.send(t)
	if err == nil || !strings.Contains(errs, "--yes sends without asking") {
		t.Errorf("without a terminal: %v: %s", err, errs)
	}
	args := []string{"key", "pack", "--directory", tr.dir, "--to", sshtest.Alias, filepath.Join(tr.dir, "id_lab")}
	c := newConsole(t, tr.sallyport(args...))
	c.wait("private halves travel: id_lab")
	c.wait("Send them? [y/N] ")
	c.press("n\r", "\n")
	if got := c.ended(); got != declined || len(stateOf(t, tr.account.Home)) != 1 || strings.Contains(tr.account.Log(), "Accepted") {
		t.Errorf("after a no it ends with %d, and the home there is %q", got, stateOf(t, tr.account.Home))
	}
	c = newConsole(t, tr.sallyport(args...))
	c.wait("Send them? [y/N] ")
	c.press("y\r", "3 of 3 files were set up")
	if got := c.ended(); got != 0 {
		t.Errorf("after a yes it ends with %d", got)
	}
	if got := read(t, filepath.Join(tr.account.Home, ".ssh/id_lab")); got != tr.text(t, "id_lab") {
		t.Errorf("the key there is %q", got)
	}
}

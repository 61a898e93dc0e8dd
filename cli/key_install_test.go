//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// installer runs our commands about keys, with a password to log in by.
type installer struct {
	clients
	key, line string // the private half's path, and what it is to become
}

func newInstaller(t *testing.T, s *sshtest.Server, options ...string) installer {
	t.Helper()
	i := installer{clients: newClients(t, s, options...), key: s.Path("new")}
	public := sshtest.WriteKey(t, i.key).PublicKey()
	i.line = string(ssh.MarshalAuthorizedKey(public))
	askpass := sshtest.Script(t, s.Path("askpass"), "echo "+sshtest.AccountPassword+"\n")
	i.env = append(i.env, "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force", "SSH_AUTH_SOCK=")
	return i
}

// run runs a command without a terminal.
func (i installer) run(args ...string) (stdout, stderr string, err error) {
	var out, errs strings.Builder
	cmd := i.sallyport(append([]string{"key"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// install installs the key on the server.
func (i installer) install(t *testing.T, args ...string) api.Installation {
	t.Helper()
	out, errs, _ := i.run(append([]string{"install", "--json", "-i", i.key, sshtest.Alias}, args...)...) // the error is in the JSON
	var got []api.Installation
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got) != 1 {
		t.Fatalf("%v: %q, and on standard error %q", err, out, errs)
	}
	return got[0]
}

// stateOf is what is below a home, with modes and texts.
func stateOf(t *testing.T, home string) (state []string) {
	t.Helper()
	err := filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(home, path)
		if name == ".config" || name == ".local" { // of fish
			return filepath.SkipDir
		}
		text, _ := os.ReadFile(path) // none of a directory
		state = append(state, fmt.Sprintf("%s %s %d %q", info.Mode(), name, info.Sys().(*syscall.Stat_t).Uid, text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlLfHQuExoJ0G7pOTrBgfsyWEEx28dr8XMmPkHZXF7P sam"

// TestKeyIsInstalledOnceAndLogsIn compares the far side after one run and
// after two.
func TestKeyIsInstalledOnceAndLogsIn(t *testing.T) {
	t.Parallel()
	const dir = "drwx------ .ssh 4711 \"\""
	file := func(text string) string { return fmt.Sprintf("-rw------- .ssh/authorized_keys 4711 %q", text) }
	rows := []struct {
		name, home, shell string
		prepare           func(t *testing.T, a *sshtest.Account, line string)
		args              []string
		state, mended     string
		want              func(line string) []string // below the home, but for it
		mode              string                     // of the home
	}{
		{name: "no ~/.ssh", want: func(line string) []string { return []string{dir, file(line)} }},
		{name: "csh, and a home with spaces and a quote", home: "home of jon's  $HOME", shell: "csh", want: func(line string) []string { return []string{dir, file(line)} }},
		{name: "fish", shell: "fish", want: func(line string) []string { return []string{dir, file(line)} }},
		{name: "no newline at the end", prepare: func(t *testing.T, a *sshtest.Account, line string) {
			a.Put(t, ".ssh/authorized_keys", otherKey, 0o600)
		}, want: func(line string) []string { return []string{dir, file(otherKey + "\n" + line)} }},
		{name: "there with other options, spacing and comment", prepare: func(t *testing.T, a *sshtest.Account, line string) {
			a.Put(t, ".ssh/authorized_keys", "# mine\n\n  no-pty,environment=\"A=b c\"\t"+strings.Replace(strings.TrimSpace(line), " ", "  \t", 1)+"\tother words", 0o600)
		}, state: api.KeyPresent, want: func(line string) []string {
			return []string{dir, file("# mine\n\n  no-pty,environment=\"A=b c\"\t" + strings.Replace(strings.TrimSpace(line), " ", "  \t", 1) + "\tother words")}
		}},
		{name: "modes that sshd refuses are mended", args: []string{"--yes"}, prepare: func(t *testing.T, a *sshtest.Account, line string) {
			a.Put(t, ".ssh/authorized_keys", otherKey+"\n", 0o666)
			chmod(t, filepath.Join(a.Home, ".ssh"), 0o777)
			chmod(t, a.Home, 0o777)
		}, mended: "~ ~/.ssh ~/.ssh/authorized_keys", mode: "drwxr-xr-x", want: func(line string) []string { return []string{dir, file(otherKey + "\n" + line)} }},
		{name: "a link, and a mode without writing", prepare: func(t *testing.T, a *sshtest.Account, line string) {
			a.Put(t, ".ssh/real/keys", otherKey+"\n", 0o400)
			if err := os.Symlink("real/keys", filepath.Join(a.Home, ".ssh", "authorized_keys")); err != nil {
				t.Fatal(err)
			}
		}, want: func(line string) []string {
			return []string{dir, "Lrwxrwxrwx .ssh/authorized_keys 0 " + fmt.Sprintf("%q", otherKey+"\n"+line), "drwx------ .ssh/real 4711 \"\"", fmt.Sprintf("-r-------- .ssh/real/keys 4711 %q", otherKey+"\n"+line)}
		}},
	}
	plain := accountFor(t, "jon", "sh") // all rows that need none of their own
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			i := plain
			if row.shell != "" {
				i = accountFor(t, "h/"+row.home, row.shell)
			}
			a := i.account
			a.Clear(t)
			logins := a.Logins()
			if row.prepare != nil {
				row.prepare(t, a, i.line)
			}
			first := i.install(t, row.args...)
			state := row.state
			if state == "" {
				state = api.KeyInstalled
			}
			var mended []string
			for _, f := range first.Mended {
				mended = append(mended, f.Path)
			}
			if first.State != state || first.Login != api.LoginProved || first.Error != nil || strings.Join(mended, " ") != row.mended {
				t.Fatalf("the first run is told as %+v, %+v", first, first.Error)
			}
			once := stateOf(t, a.Home)
			if diff := cmp.Diff(row.want(i.line), once[1:]); diff != "" {
				t.Errorf("after one run (-want +got):\n%s", diff)
			}
			if row.mode != "" && !strings.HasPrefix(once[0], row.mode) {
				t.Errorf("the home is %s", once[0])
			}
			second := i.install(t, row.args...)
			if second.State != api.KeyPresent || second.Login != api.LoginProved || len(second.Mended) > 0 {
				t.Errorf("the second run is told as %+v, %+v", second, second.Error)
			}
			if diff := cmp.Diff(once, stateOf(t, a.Home)); diff != "" {
				t.Errorf("after two runs (-once +twice):\n%s", diff)
			}
			if n := a.Logins() - logins; n != 2 || strings.Count(a.Log(), "Accepted password") != 1 {
				t.Errorf("%d logins with a key, want one for each run, beside one with the password", n)
			}
		})
	}
}

// accountInstaller installs keys on an account.
type accountInstaller struct {
	installer
	account *sshtest.Account
}

func accountFor(t *testing.T, home, shell string, lines ...string) accountInstaller {
	t.Helper()
	a := sshtest.NewAccount(t, home, sshtest.Program(t, shell), "", lines...)
	a.Run(t)
	return accountInstaller{newInstaller(t, a.Server), a}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// TestKeyThatCannotBeInstalledIsOneSentence has the far side left as it was.
func TestKeyThatCannotBeInstalledIsOneSentence(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, before string
		lines        []string
		prepare      func(t *testing.T, a *sshtest.Account)
		code, says   string
		login        string
		managed      bool
	}{
		{name: "a read-only home", before: `mount --bind "$home" "$home"; mount -o remount,bind,ro "$home"`,
			code: "refused", says: `on "targaryen", making ~/.ssh: the file system is read-only; nothing was changed there`},
		{name: "a full disk", before: `mount -t tmpfs -o size=8k,mode=755,uid=4711,gid=4711 none "$home"; mkdir -m 700 "$home/.ssh"; chown 4711 "$home/.ssh"; head -c 4096 /dev/zero >"$home/.ssh/authorized_keys"; chown 4711 "$home/.ssh/authorized_keys"; cat /dev/zero >"$home/fill" || :`,
			code: "refused", says: `on "targaryen", writing ~/.ssh/authorized_keys: its disk is full; nothing was changed there`},
		{name: "a home of root's", prepare: func(t *testing.T, a *sshtest.Account) {
			if err := os.Chown(a.Home, 0, 0); err != nil {
				t.Fatal(err)
			}
		}, code: "refused", says: `on "targaryen", making ~/.ssh: you may not write there; nothing was changed there`},
		{name: "a forced command", lines: []string{"ForceCommand echo only backups; exit 3"},
			code: "no-shell", says: `the account on "targaryen" runs a command of its own in place of a shell, so its keys can't be changed from here: it says "only backups"`},
		{name: "modes that nobody agreed to mend", prepare: func(t *testing.T, a *sshtest.Account) { chmod(t, a.Home, 0o777) },
			code: "modes", login: api.LoginRefused, says: `the key is in authorized_keys on "targaryen", and is refused: ~: others can write to it: its mode is drwxrwxrwx`},
		{name: "keys of root's", managed: true, prepare: func(t *testing.T, a *sshtest.Account) {
			a.Put(t, ".ssh/authorized_keys", otherKey+"\n", 0o644)
			if err := os.Chown(filepath.Join(a.Home, ".ssh/authorized_keys"), 0, 0); err != nil {
				t.Fatal(err)
			}
		}, code: "managed", says: `~/.ssh/authorized_keys on "targaryen" does not belong to the account: the site manages its keys itself`},
		{name: "a job that puts its own keys back", managed: true, lines: []string{`ForceCommand sh -c "$SSH_ORIGINAL_COMMAND"; [ ! -d .ssh ] || echo "# managed" >.ssh/authorized_keys; exit 0`},
			code: "managed", login: api.LoginRefused, says: `the key has gone again from authorized_keys on "targaryen": the site manages its keys itself`},
	}
	plain := accountFor(t, "jon", "sh") // all rows that need none of their own
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			i := plain
			if row.before != "" || row.lines != nil {
				a := sshtest.NewAccount(t, "jon", "/bin/sh", row.before, row.lines...)
				a.Run(t)
				i = accountInstaller{newInstaller(t, a.Server), a}
			}
			a := i.account
			a.Clear(t)
			if row.prepare != nil {
				row.prepare(t, a)
			}
			before := stateOf(t, a.Home)
			got := i.install(t)
			if got.Error == nil || got.Error.Code != row.code || !strings.HasPrefix(got.Error.Message, row.says) {
				t.Fatalf("it is told as %+v, %+v", got, got.Error)
			}
			if got.Login != row.login || got.Managed != row.managed || row.managed != (got.Line+"\n" == i.line) {
				t.Errorf("it is told as %+v", got)
			}
			if after := stateOf(t, a.Home); row.login == "" && !slices.Equal(before, after) {
				t.Errorf("the far side was %q and is %q", before, after)
			}
		})
	}
}

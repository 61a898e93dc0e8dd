//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// TestKeyIsInstalledThroughJumpsThatAreNotLoggedInToAgain has two jumps before
// the account. The proof stands on their connections.
func TestKeyIsInstalledThroughJumpsThatAreNotLoggedInToAgain(t *testing.T) {
	t.Parallel()
	outer, inner := sshtest.StartServer(t), sshtest.StartServer(t)
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "")
	a.Run(t)
	var jumps strings.Builder
	for name, s := range map[string]*sshtest.Server{"outer": outer, "inner": inner} {
		fmt.Fprintf(&jumps, "Host %s\nHostName 127.0.0.1\nPort %d\nUser %s\nIdentityFile %s\nUserKnownHostsFile %s\n",
			name, s.Port, os.Getenv("USER"), s.Path("id"), s.Path("known_hosts"))
	}
	config := strings.ReplaceAll(jumps.String(), "User \n", "")
	i := newInstaller(t, a.Server, config+"Host inner\nProxyJump outer\nHost "+sshtest.Alias+"\nProxyJump inner")
	got := i.install(t)
	if got.State != api.KeyInstalled || got.Login != api.LoginProved {
		t.Errorf("it is told as %+v, %+v", got, got.Error)
	}
	if outer.Logins() != 1 || inner.Logins() != 1 || a.Logins() != 1 {
		t.Errorf("%d, %d and %d logins with a key, want one each", outer.Logins(), inner.Logins(), a.Logins())
	}
}

// TestKeyIsProvedAlone has an agent and a file with keys that do log in, beside
// one that does not.
func TestKeyIsProvedAlone(t *testing.T) {
	t.Parallel()
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "", "AuthorizedKeysFile keys")
	a.Run(t)
	i := newInstaller(t, a.Server)
	id, err := os.ReadFile(a.Path("id"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(id)
	if err != nil {
		t.Fatal(err)
	}
	a.Put(t, "keys", string(ssh.MarshalAuthorizedKey(signer.PublicKey())), 0o600)
	i.env = append(i.env, "SSH_AUTH_SOCK="+sshtest.Agent(t, a.Path("id")))
	if got := i.install(t); got.State != api.KeyInstalled || got.Login != api.LoginRefused || !got.Managed || got.Line+"\n" != i.line || got.Error == nil ||
		got.Error.Message != `the key is in authorized_keys on "targaryen", and is refused: sshd there looks for keys elsewhere, or the site manages them itself` {
		t.Errorf("it is told as %+v, %+v", got, got.Error)
	}
}

// TestKeyThatIsNotEnoughAloneIsTold has a server that wants a password as well,
// and a key whose passphrase nobody tells.
func TestKeyThatIsNotEnoughAloneIsTold(t *testing.T) {
	t.Parallel()
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "", "AuthenticationMethods publickey,password password")
	a.Run(t)
	i := newInstaller(t, a.Server)
	if got := i.install(t); got.State != api.KeyInstalled || got.Login != api.LoginPartial || got.Error != nil {
		t.Errorf("with a password as the second factor it is told as %+v, %+v", got, got.Error)
	}
	i.key = a.Path("locked")
	sshtest.Keygen(t, i.key, "stark", "-t", "ed25519")
	i.env = append(i.env, "SSH_ASKPASS=/bin/false")
	if got := i.install(t); got.State != api.KeyInstalled || got.Login != api.LoginUnproved || got.Error == nil {
		t.Errorf("without its passphrase it is told as %+v, %+v", got, got.Error)
	}
}

// TestBrokenConnectionLeavesAuthorizedKeys ends the shell at each program that
// writes. Then all goes well, and a restorecon notes what it is asked.
func TestBrokenConnectionLeavesAuthorizedKeys(t *testing.T) {
	t.Parallel()
	bin, err := os.MkdirTemp("", "bin") // t.TempDir is closed to others than root
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(bin) })
	chmod(t, bin, 0o755)
	i := accountFor(t, "jon", "sh", "SetEnv PATH="+bin+":/usr/bin:/bin")
	i.account.Put(t, ".ssh/authorized_keys", otherKey+"\n", 0o600)
	file := filepath.Join(i.account.Home, ".ssh/authorized_keys")
	for _, program := range []string{"cp", "tail", "mv"} {
		kill := sshtest.Script(t, filepath.Join(bin, program), "kill -9 $PPID\n")
		chmod(t, kill, 0o755)
		if got := i.install(t); got.State != api.KeyFailed || got.Error == nil {
			t.Errorf("with the end at %s it is told as %+v", program, got)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != otherKey+"\n" {
			t.Errorf("after the end at %s the file is %q, %v", program, text, err)
		}
		if err := os.Remove(kill); err != nil {
			t.Fatal(err)
		}
	}
	chmod(t, sshtest.Script(t, filepath.Join(bin, "restorecon"), "echo \"$@\" >$HOME/restored\n"), 0o755)
	if got := i.install(t); got.Login != api.LoginProved {
		t.Errorf("at last it is told as %+v, %+v", got, got.Error)
	}
	said, err := os.ReadFile(filepath.Join(i.account.Home, "restored"))
	if want := fmt.Sprintf("-F %s/.ssh %[1]s/.ssh/authorized_keys\n", i.account.Home); string(said) != want {
		t.Errorf("restorecon was asked for %q, %v; want %q", said, err, want)
	}
}

// TestKeysOfAHostAreListedAndRemoved removes each line of a key and nothing
// else, from a file without a newline at its end.
func TestKeysOfAHostAreListedAndRemoved(t *testing.T) {
	t.Parallel()
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "")
	a.Run(t)
	i := newInstaller(t, a.Server, "Host mine\nIdentityFile "+a.Path("new")+"\nHost *")
	line := strings.TrimSpace(i.line)
	a.Put(t, ".ssh/authorized_keys", "# all\nrestrict,command=\"echo a, b\" "+line+" one\n"+otherKey+"\ncert-authority "+line+"\n"+line+" two", 0o640)
	out, errs, err := i.run("installed", "--json", sshtest.Alias)
	var rows []installedRow
	if e := json.Unmarshal([]byte(out), &rows); err != nil || e != nil || len(rows) != 4 {
		t.Fatalf("%v, %v: %s%s", err, e, out, errs)
	}
	if r := rows[0]; r.Line != 2 || r.Ours != i.key || r.Comment != "one" || strings.Join(r.Options, "|") != `restrict|command="echo a, b"` || r.Type != "ED25519" || r.Bits != 256 || !strings.HasPrefix(r.SHA256, "SHA256:") {
		t.Errorf("the first is %+v", r)
	}
	if rows[1].Ours != "" || rows[1].Comment != "sam" {
		t.Errorf("the second is %+v", rows[1])
	}
	out, errs, err = i.run("installed", sshtest.Alias)
	if err != nil || errs != "" || !strings.Contains(out, "2: ED25519 256 one\n    SHA256:") || !strings.Contains(out, "    yours: "+i.key+"\n") || !strings.Contains(out, "    options: cert-authority\n") {
		t.Errorf("%v: %s%s", err, out, errs)
	}
	for n, want := range []string{"targaryen: 2 lines of the key are gone, 2 of other keys are left\n", "targaryen: 0 lines of the key are gone, 2 of other keys are left\n"} {
		if out, errs, err = i.run("uninstall", "-i", i.key, sshtest.Alias); err != nil || out != want || errs != "" {
			t.Errorf("run %d: %v: %q %q", n+1, err, out, errs)
		}
		want := "drwx------ .ssh 4711 \"\"\n" + fmt.Sprintf("-rw-r----- .ssh/authorized_keys 4711 %q", "# all\n"+otherKey+"\ncert-authority "+line+"\n")
		if got := strings.Join(stateOf(t, a.Home)[1:], "\n"); got != want {
			t.Errorf("run %d leaves\n%s\nwant\n%s", n+1, got, want)
		}
	}
	out, errs, err = i.run("uninstall", "--json", "-i", i.key, sshtest.Alias)
	if want := "{\n  \"host\": \"targaryen\",\n  \"removed\": [],\n  \"left\": 2\n}\n"; err != nil || out != want {
		t.Errorf("with --json: %v: %s%s", err, out, errs)
	}
	if _, errs, err = i.run("uninstall", sshtest.Alias); err == nil || !strings.Contains(errs, "identity") {
		t.Errorf("without a key: %v: %s", err, errs)
	}
}

// TestKeyGoesToManyHosts has one that is not there.
func TestKeyGoesToManyHosts(t *testing.T) {
	t.Parallel()
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "")
	a.Run(t)
	i := newInstaller(t, a.Server, "Host gone\nHostName 127.0.0.1\nPort 1\nHost *")
	out, errs, err := i.run("install", "-i", i.key, sshtest.Alias, "gone", sshtest.AccountName+"@"+sshtest.Alias)
	want := "targaryen: the key is installed; a new login with it alone works\ngone: the key is not installed\njon@targaryen: the key was there already; a new login with it alone works\n"
	if out != want {
		t.Errorf("it prints\n%s\nwant\n%s", out, want)
	}
	if err == nil || err.Error() != "exit status 255" || !strings.Contains(errs, `connecting to "gone"`) || !strings.HasSuffix(errs, "sallyport: 2 of 3 hosts are done\n") {
		t.Errorf("%v: %s", err, errs)
	}
}

// TestModesAreMendedForWhoAgrees answers on a terminal, which gets the line for
// the clipboard too.
func TestModesAreMendedForWhoAgrees(t *testing.T) {
	t.Parallel()
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "")
	a.Run(t)
	chmod(t, a.Home, 0o775)
	i := newInstaller(t, a.Server)
	c := newConsole(t, i.sallyport("key", "install", "-i", i.key, sshtest.Alias))
	c.wait("Mend it there with chmod go-w ~? [y/N] ")
	c.press("n\r", "is refused: ~: others can write to it: its mode is drwxrwxr-x")
	if c.ended() != ours {
		t.Errorf("it ended with %d", c.cmd.ProcessState.ExitCode())
	}
	c = newConsole(t, i.sallyport("key", "install", "-i", i.key, sshtest.Alias))
	c.wait("[y/N] ")
	c.press("y\r", "a new login with it alone works")
	if c.ended() != 0 {
		t.Errorf("it ended with %d", c.cmd.ProcessState.ExitCode())
	}
	c = newConsole(t, i.sallyport("key", "line", "-i", i.key))
	c.wait("\x1b]52;c;")
	c.ended()
}

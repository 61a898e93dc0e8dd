package sshtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Account is one that only its server knows: it has a passwd file of its own,
// in a mount namespace. sshd treats it as any other, its home and its modes
// among them.
type Account struct {
	*Server
	Home string
}

// AccountName and AccountPassword are how to log in to an Account.
const (
	AccountName     = "jon"
	AccountPassword = "winter"
	accountID       = 4711
)

// accountHash is AccountPassword, by openssl passwd -6.
const accountHash = "$6$wall$Eks1pF575VPzPyD2XVWM8aS8A8mGWIC1IZRqFvjK.AVEBNCGHO1JRqfRNk60/K6l3MsGUD8BYx6DCmWv2kJ6Z1"

// NewAccount prepares a server with an account that has an empty home, of this
// name in a directory of its own, and a shell. before are commands that prepare
// the server's namespace. Run starts it. It needs root.
func NewAccount(t testing.TB, home, shell, before string, lines ...string) *Account {
	t.Helper()
	if os.Getuid() != 0 {
		Missing(t, "this needs root, for an account of its own")
	}
	top, err := os.MkdirTemp("", "account") // t.TempDir is closed to others than root
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	a := &Account{Home: filepath.Join(top, home)}
	for _, dir := range []string{top, a.Home} {
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a.own(t, a.Home)
	lines = append(lines, "StrictModes yes", "PasswordAuthentication yes", "AuthorizedKeysFile .ssh/authorized_keys", "SetEnv SALLYPORT=test")
	a.Server = NewServer(t, lines...)
	passwd := fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n%s:%s:%d:%[3]d:Jon:%s:%s\n",
		AccountName, accountHash, accountID, a.Home, shell)
	a.Write(t, "passwd", passwd)
	if err := os.Chmod(a.Path("passwd"), 0o644); err != nil {
		t.Fatal(err)
	}
	a.inside = []string{Program(t, "unshare"), "-m", "sh", "-c",
		"set -e; mount --bind \"$1\" /etc/passwd; home=$2; shift 2; " + before + "\nexec \"$@\"", "sh", a.Path("passwd"), a.Home}
	a.Write(t, "ssh_config", strings.Replace(a.clientConfig(t), "BatchMode yes\n", "User "+AccountName+"\n", 1))
	return a
}

func (a *Account) clientConfig(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(a.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Put writes a file below the home, with its directories, as the account's.
func (a *Account) Put(t testing.TB, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(a.Home, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	for dir := filepath.Dir(path); dir != a.Home; dir = filepath.Dir(dir) {
		a.own(t, dir)
	}
	if err == nil {
		err = os.WriteFile(path, []byte(text), mode)
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.own(t, path)
}

func (a *Account) own(t testing.TB, path string) {
	t.Helper()
	if err := os.Lchown(path, accountID, accountID); err != nil {
		t.Fatal(err)
	}
}

// Shadow takes the password out of passwd(5), for a shadow(5) that has its hash.
func (a *Account) Shadow(t testing.TB) (hash string) {
	t.Helper()
	passwd, err := os.ReadFile(a.Path("passwd"))
	if err != nil {
		t.Fatal(err)
	}
	_, hash, _ = strings.Cut(string(passwd), AccountName+":")
	hash, _, _ = strings.Cut(hash, ":")
	a.Write(t, "passwd", strings.Replace(string(passwd), hash, "x", 1))
	return hash
}

// LetIn lets the server's key log in to the account.
func (a *Account) LetIn(t testing.TB) {
	t.Helper()
	key, err := os.ReadFile(a.Path("authorized_keys"))
	if err != nil {
		t.Fatal(err)
	}
	a.Put(t, ".ssh/authorized_keys", string(key), 0o600)
}

// Clear makes the home as it was at first. One that is mounted stays.
func (a *Account) Clear(t testing.TB) {
	t.Helper()
	entries, err := os.ReadDir(a.Home)
	for _, e := range entries {
		if err == nil {
			err = os.RemoveAll(filepath.Join(a.Home, e.Name()))
		}
	}
	if err == nil {
		err = os.Chmod(a.Home, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.own(t, a.Home)
}

//go:build linux

package transport

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// account is something that is wrong with an account that lets its password
// in: the key is what somebody wants to log in by.
type account struct {
	ailment
	shell   string // "sh" unless it is said
	before  string // prepares the mounts of the server
	passwd  func(line string) string
	prepare func(t *testing.T, a *sshtest.Account, line string)
	typed   string // instead of the password
}

// TestTheDoctorFindsWhatIsWrongWithAnAccount has a real account for each row,
// with sshd's own looks at homes, owners and modes.
func TestTheDoctorFindsWhatIsWrongWithAnAccount(t *testing.T) {
	t.Parallel()
	keysFile := func(text func(line string) string) func(*testing.T, *sshtest.Account, string) {
		return func(t *testing.T, a *sshtest.Account, line string) {
			a.Put(t, ".ssh/authorized_keys", text(line), 0o600)
		}
	}
	installed := func(t *testing.T, a *sshtest.Account, line string) {
		a.Put(t, ".ssh/authorized_keys", line, 0o600)
	}
	mode := func(name string, mode os.FileMode) func(*testing.T, *sshtest.Account, string) {
		return func(t *testing.T, a *sshtest.Account, line string) {
			installed(t, a, line)
			chmod(t, filepath.Join(a.Home, name), mode)
		}
	}
	owner := func(name string, uid int) func(*testing.T, *sshtest.Account, string) {
		return func(t *testing.T, a *sshtest.Account, line string) {
			installed(t, a, line)
			if err := os.Chown(filepath.Join(a.Home, name), uid, uid); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows := []account{
		// the public half, which is 50 % of a help desk's work
		{ailment: ailment{name: "the key is not installed", found: []string{"far-keys"}, said: "sallyport key install", mended: true}},
		{ailment: ailment{name: "another key is installed in its place", found: []string{"far-keys"}, mended: true},
			prepare: keysFile(func(string) string { return anotherLine })},
		{ailment: ailment{name: "authorized_keys is spelt in the British way", found: []string{"far-keys"}, said: "authorised_keys", mended: true},
			prepare: func(t *testing.T, a *sshtest.Account, line string) { a.Put(t, ".ssh/authorised_keys", line, 0o600) }},
		{ailment: ailment{name: "scp has put the keys one directory too deep", found: []string{"far-keys"}, said: "cluster-keys", mended: true},
			prepare: func(t *testing.T, a *sshtest.Account, line string) {
				a.Put(t, ".ssh/cluster-keys/authorized_keys", line, 0o600)
			}},
		{ailment: ailment{name: "the keys are in the home itself", found: []string{"far-keys"}, said: "/authorized_keys, where sshd does not look", mended: true},
			prepare: func(t *testing.T, a *sshtest.Account, line string) { a.Put(t, "authorized_keys", line, 0o600) }},
		{ailment: ailment{name: "the line was broken by a mail program", found: []string{"far-keys"}, said: "line 1", mended: true},
			prepare: keysFile(func(line string) string { return line[:40] + "\n" + line[40:] })},
		{ailment: ailment{name: "the line lost its end", found: []string{"far-keys"}, said: "line 1", mended: true},
			prepare: keysFile(func(line string) string { return line[:60] + "\n" })},
		{ailment: ailment{name: "the line lost its type", found: []string{"far-keys"}, said: "line 1", mended: true},
			prepare: keysFile(func(line string) string { return strings.TrimPrefix(line, "ssh-ed25519 ") })},
		{ailment: ailment{name: "a word processor has put quotes around the line", found: []string{"far-keys"}, said: "line 1", mended: true},
			prepare: keysFile(func(line string) string { return "“" + strings.TrimSpace(line) + "”\n" })},
		{ailment: ailment{name: "PowerShell has written the line in UTF-16", found: []string{"far-keys"}, said: "line 1", mended: true},
			prepare: keysFile(func(line string) string {
				return "\xff\xfe" + strings.Join(strings.Split(line, ""), "\x00") + "\x00"
			})},
		{ailment: ailment{name: "the public half is in PuTTY's form", found: []string{"far-keys"}, said: "BEGIN SSH2", mended: true},
			prepare: keysFile(func(string) string {
				return "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"jon\"\nAAAAC3Nza\n---- END SSH2 PUBLIC KEY ----"
			})},
		{ailment: ailment{name: "the private half was pasted", found: []string{"far-keys"}, said: "there is a private key", mended: true},
			prepare: func(t *testing.T, a *sshtest.Account, _ string) {
				a.Put(t, ".ssh/authorized_keys", text(t, a.Path("id")), 0o600)
			}},
		{ailment: ailment{name: "PuTTY's private half was copied there", found: []string{"far-keys"}, said: "there is a private key", mended: true},
			prepare: keysFile(func(string) string { return "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n" })},
		{ailment: ailment{name: "the key may come from another address only", found: []string{"far-keys"}, said: `from="10.0.0.1"`},
			prepare: keysFile(func(line string) string { return `from="10.0.0.1" ` + line })},
		{ailment: ailment{name: "the key was installed for a time", found: []string{"far-keys"}, said: `expiry-time="20200101"`},
			prepare: keysFile(func(line string) string { return `expiry-time="20200101" ` + line })},
		{ailment: ailment{name: "the site keeps the keys elsewhere", server: []string{"AuthorizedKeysFile /etc/ssh/keys/%u"}, found: []string{"far-keys"}, said: "keys elsewhere"},
			prepare: installed},

		// modes and owners
		{ailment: ailment{name: "others can write to the home", found: []string{"far-modes"}, said: "chmod go-w", mended: true}, prepare: mode("", 0o777)},
		{ailment: ailment{name: "others can write to ~/.ssh", found: []string{"far-modes"}, said: "chmod 700", mended: true}, prepare: mode(".ssh", 0o777)},
		{ailment: ailment{name: "others can write to authorized_keys", found: []string{"far-modes"}, said: "chmod 600", mended: true}, prepare: mode(".ssh/authorized_keys", 0o666)},
		{ailment: ailment{name: "authorized_keys cannot be read", found: []string{"far-modes"}, said: "chmod 600", mended: true}, prepare: mode(".ssh/authorized_keys", 0o200)},
		{ailment: ailment{name: "chmod -R 600 was tried on ~/.ssh", found: []string{"far-modes"}, said: "chmod 700", mended: true}, prepare: mode(".ssh", 0o600)},
		{ailment: ailment{name: "~/.ssh was made by sudo", found: []string{"far-modes"}, said: "root"}, prepare: owner(".ssh", 0)},
		{ailment: ailment{name: "authorized_keys was copied with its owner", found: []string{"far-modes"}, said: "another user"}, prepare: owner(".ssh/authorized_keys", 4712)},

		// the home and the shell
		{ailment: ailment{name: "there is no home", found: []string{"far-home"}, said: "no home directory"},
			prepare: func(t *testing.T, a *sshtest.Account, _ string) { os.Remove(a.Home) }},
		{ailment: ailment{name: "the home is mounted read-only", found: []string{"far-home"}, said: "cannot write"},
			before: `mount --bind "$home" "$home"; mount -o remount,bind,ro "$home"`},
		{ailment: ailment{name: "the disk is full", found: []string{"far-disk"}, said: "is full: 0 KiB"},
			before: `mount -t tmpfs -o size=64k,mode=755,uid=4711,gid=4711 none "$home"; cat /dev/zero >"$home/fill" 2>/dev/null || :`},
		{ailment: ailment{name: "the disk takes no further file", found: []string{"far-disk"}, said: "inode"},
			before: `mount -t tmpfs -o size=8m,nr_inodes=4,mode=755,uid=4711,gid=4711 none "$home"; touch "$home/1" "$home/2" "$home/3"`},
		{ailment: ailment{name: "the quota is used up", found: []string{"far-disk"}, said: "Block limit reached on /home"},
			before: stub("quota", `printf 'Disk quotas for user jon (uid 4711): \n\tBlock limit reached on /home\n'`), prepare: installed},
		{ailment: ailment{name: "the start-up files print", found: []string{"far-shell"}, said: "checking for disk quotas"}, shell: "bash",
			prepare: func(t *testing.T, a *sshtest.Account, line string) {
				installed(t, a, line)
				a.Put(t, ".bashrc", "echo 'Please wait...checking for disk quotas'\n", 0o644)
			}},
		{ailment: ailment{name: "the start-up files end the shell", found: []string{"session"}, said: "start-up file"}, shell: "bash",
			prepare: func(t *testing.T, a *sshtest.Account, line string) {
				installed(t, a, line)
				a.Put(t, ".bashrc", "exit 1\n", 0o644)
			}},
		{ailment: ailment{name: "the shell is /bin/false", found: []string{"session"}, said: "/bin/false"}, shell: "false", prepare: installed},
		{ailment: ailment{name: "the shell is nologin", found: []string{"session"}, said: "currently not available"}, shell: "/usr/sbin/nologin", prepare: installed},
		{ailment: ailment{name: "the shell was removed", found: []string{"login"}}, shell: "/opt/zsh/bin/zsh", prepare: installed},
		{ailment: ailment{name: "the host is closed for maintenance", found: []string{"session"}, said: "back on Monday"},
			before: `mkdir "$home/../etc"; cp -a /etc/. "$home/../etc"; echo 'The cluster is back on Monday' >"$home/../etc/nologin"; mount --bind "$home/../etc" /etc`, prepare: installed},
		{ailment: ailment{name: "the account is locked", found: []string{"login"}, said: "AllowUsers"}, prepare: installed,
			passwd: func(line string) string { return strings.Replace(line, "jon:$", "jon:!$", 1) }},
		{ailment: ailment{name: "the password is wrong", found: []string{"login"}, said: "password (refused"}, typed: "summer"},

		// two at once
		{ailment: ailment{name: "the home is open, and the key is not installed", found: []string{"far-modes"}, then: []string{"far-keys"}, mended: true},
			prepare: func(t *testing.T, a *sshtest.Account, _ string) { chmod(t, a.Home, 0o777) }},
		{ailment: ailment{name: "the disk is full, and the key is not installed in an open ~/.ssh", found: []string{"far-disk", "far-modes"}, then: []string{"far-disk"}},
			before: `mount -t tmpfs -o size=64k,mode=755,uid=4711,gid=4711 none "$home"; mkdir -m 777 "$home/.ssh"; chown 4711 "$home/.ssh"; cat /dev/zero >"$home/fill" 2>/dev/null || :`},
		{ailment: ailment{name: "~/.ssh and authorized_keys are open", found: []string{"far-modes", "far-modes"}, mended: true},
			prepare: func(t *testing.T, a *sshtest.Account, line string) {
				a.Put(t, ".ssh/authorized_keys", line, 0o666)
				chmod(t, filepath.Join(a.Home, ".ssh"), 0o777)
			}},

		// nothing
		{ailment: ailment{name: "a healthy account"}, prepare: installed},
		{ailment: ailment{name: "a healthy account with bash"}, shell: "bash", prepare: installed},
		{ailment: ailment{name: "a healthy account whose quota is not used up"}, before: stub("quota", `echo 'Disk quotas for user jon (uid 4711): none'`), prepare: installed},
		{ailment: ailment{name: "a healthy account for files alone", server: []string{"ForceCommand internal-sftp"}, shut: true}, prepare: installed},
		{ailment: ailment{name: "a healthy account that wants a password beside the key", server: []string{"AuthenticationMethods publickey,password"}, shut: true}, prepare: installed},
	}
	t.Run("each", func(t *testing.T) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				a := row.open(t)
				first, later := healed(t, func() []Finding { return faults(t, row.patient(a)) })
				if row.compare(t, first, later) && !row.shut {
					keyLogsIn(t, a)
				}
			})
		}
	})
}

// anotherLine is a key that nobody has.
const anotherLine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlLfHQuExoJ0G7pOTrBgfsyWEEx28dr8XMmPkHZXF7P sam\n"

// stub has a program in the PATH of all.
func stub(name, script string) string {
	file := "/usr/local/bin/" + name
	return fmt.Sprintf("mount -t tmpfs none /usr/local/bin; printf '#!/bin/sh\\n%%s\\n' %s >%s; chmod 755 %[2]s", "'"+strings.ReplaceAll(script, "'", `'\''`)+"'", file)
}

// open starts the server.
func (row account) open(t *testing.T) *sshtest.Account {
	t.Helper()
	shell := row.shell
	switch {
	case shell == "":
		shell = "/bin/sh"
	case !filepath.IsAbs(shell):
		shell = sshtest.Program(t, shell)
	}
	a := sshtest.NewAccount(t, "jon", shell, row.before, row.server...)
	if row.passwd != nil {
		a.Write(t, "passwd", row.passwd(text(t, a.Path("passwd"))))
	}
	if row.prepare != nil {
		row.prepare(t, a, text(t, a.Path("authorized_keys")))
	}
	a.Run(t)
	return a
}

// patient is the account as the doctor sees it, from a home with nothing in it.
func (row account) patient(a *sshtest.Account) Patient {
	typed := row.typed
	if typed == "" {
		typed = sshtest.AccountPassword
	}
	return Patient{
		Config: config.Load(config.Paths{User: a.Path("ssh_config"), Home: a.Path(""), Explicit: true}), Host: sshtest.Alias,
		Env:   Env{"HOME=" + a.Path(""), "PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"},
		Asker: newPatient(map[Kind]string{AskPassword: typed}),
	}
}

// keyLogsIn has the real ssh log in with the key alone.
func keyLogsIn(t *testing.T, a *sshtest.Account) {
	t.Helper()
	if out, err := a.SSH(t, "-o", "BatchMode=yes", "-o", "PreferredAuthentications=publickey", sshtest.Alias, "true").CombinedOutput(); err != nil {
		t.Errorf("ssh: %v: %s", err, out)
	}
}

// A full disk here is a real one.
func TestTheDoctorFindsThatTheDiskHereIsFull(t *testing.T) {
	if os.Getuid() != 0 {
		sshtest.Missing(t, "this needs root, for a disk of its own")
	}
	home := t.TempDir()
	if err := syscall.Mount("none", home, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(home, 0); err != nil {
			t.Error(err)
		}
	})
	chmod(t, home, 0o755)
	p := Patient{Config: config.Load(config.Paths{User: filepath.Join(home, ".ssh/config"), Home: home}), Env: Env{"HOME=" + home}}
	if got := fmt.Sprint(named(faults(t, p))); got != "[disk]" {
		t.Errorf("it finds %s", got)
	}
}

// The time in a bubble begins at the start of the year 2000.
func TestTheDoctorFindsThatTheClockHereIsWrong(t *testing.T) {
	home := t.TempDir()
	chmod(t, home, 0o755)
	synctest.Test(t, func(t *testing.T) {
		p := Patient{Config: config.Load(config.Paths{User: filepath.Join(home, ".ssh/config"), Home: home}), Env: Env{"HOME=" + home}}
		all := faults(t, p)
		if fmt.Sprint(named(all)) != "[clock]" || !strings.Contains(all[0].What, "2000-01-01") {
			t.Errorf("it finds %+v", all)
		}
	})
}

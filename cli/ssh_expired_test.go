//go:build linux

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// TestAnExpiredPasswordIsChangedInTheSession logs in with a key to an account
// whose password has expired: sshd then runs passwd instead of the shell
// (do_pwchange, session.c), in a session that has a terminal.
func TestAnExpiredPasswordIsChangedInTheSession(t *testing.T) {
	t.Parallel()
	etc := t.TempDir() // passwd puts another shadow in place of the old one, so a directory is mounted
	put := func(name, text string) {
		path := filepath.Join(etc, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const unix = "required pam_unix.so\n"
	put("pam.d/sshd", "auth "+unix+"account "+unix+"session required pam_permit.so\n")
	put("pam.d/passwd", "password required pam_unix.so yescrypt\n")
	put("login.defs", "ENCRYPT_METHOD YESCRYPT\n")
	put("nsswitch.conf", "passwd: files\nshadow: files\ngroup: files\n")
	put("group", "root:x:0:\nshadow:x:42:\n")
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "cp /etc/passwd /etc/ld.so.cache "+etc+"; mount --bind "+etc+" /etc",
		"UsePAM yes", "PrintMotd no", "PrintLastLog no")
	hash := a.Shadow(t)
	a.LetIn(t)
	if err := os.Chmod(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	a.Run(t)
	expired := "root:*:19000:0:99999:7:::\n" + sshtest.AccountName + ":" + hash + ":19000:0:1:7:::\n"

	for _, row := range []struct {
		name string
		talk []string // what comes, and what is typed then, in turns
	}{
		{"a new password", []string{"Current password: ", sshtest.AccountPassword, "New password: ", "Tar7garyen-x", "Retype new password: ", "Tar7garyen-x"}},
		{"one that is not the old one", []string{"Current password: ", "autumn"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClients(t, a.Server) // sshd greets once a connection
			run := func(cmd *exec.Cmd) string {
				t.Helper()
				put("shadow", expired)
				cmd.Env = append(plainEnvironment(), append(c.env[len(os.Environ()):], "PATH="+os.Getenv("PATH"))...)
				con := newConsole(t, cmd)
				defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop()
				con.wait(row.talk[0])
				for i := 1; i+1 < len(row.talk); i += 2 {
					con.press(row.talk[i]+"\r", row.talk[i+1])
				}
				con.press(row.talk[len(row.talk)-1]+"\r", "passwd: ")
				status := con.ended()
				<-con.read
				con.mu.Lock()
				defer con.mu.Unlock()
				now, err := os.ReadFile(filepath.Join(etc, "shadow"))
				if err != nil {
					t.Fatal(err)
				}
				said := strings.ReplaceAll(con.seen.String(), "Connection to 127.0.0.1 closed.\r\n", "")
				return fmt.Sprintf("status %d, changed %v, %q", status, string(now) != expired, said)
			}
			want := run(c.ssh(t, sshtest.Alias))
			changes := len(row.talk) > 2
			if !strings.Contains(want, "You must change your password now") || strings.Contains(want, "changed true") != changes {
				t.Fatalf("ssh: %s", want)
			}
			for name, cmd := range map[string]*exec.Cmd{
				"sallyport ssh -t": exec.Command(c.ours, "ssh", "-t", "-S", "none", "-F", a.Path("ssh_config"), sshtest.Alias),
				"sallyport HOST":   c.sallyport(sshtest.Alias),
			} {
				if got := run(cmd); got != want {
					t.Errorf("ssh: %s\n%s: %s", want, name, got)
				}
			}
		})
	}
}

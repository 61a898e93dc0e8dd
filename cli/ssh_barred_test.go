//go:build linux

package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// TestAnAccountThatIsKeptOutHearsWhatSSHIsTold logs in to accounts that PAM or
// /etc/nologin keep out after they have shown who they are.
func TestAnAccountThatIsKeptOutHearsWhatSSHIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	today := time.Now().Unix() / (24 * 60 * 60)
	shadow := file("shadow", "")
	pam := file("pam", "auth required pam_unix.so\naccount required pam_nologin.so file="+filepath.Join(dir, "nologin")+
		"\naccount required pam_unix.so\npassword required pam_unix.so\nsession required pam_permit.so\n")
	a := sshtest.NewAccount(t, "jon", "/bin/sh", "mount --bind "+shadow+" /etc/shadow; mount --bind "+pam+" /etc/pam.d/sshd",
		"UsePAM yes", "KbdInteractiveAuthentication yes", "PrintMotd no", "PrintLastLog no")
	hash := a.Shadow(t)
	a.LetIn(t)
	askpass := sshtest.Script(t, filepath.Join(dir, "askpass"), "echo "+sshtest.AccountPassword+"\n")
	a.Run(t)

	run := func(t *testing.T, program []string, method string) string {
		t.Helper()
		line := slices.Concat(program, []string{"-F", a.Path("ssh_config"), "-o", "LogLevel=INFO", "-o", "PreferredAuthentications=" + method, "-o", "NumberOfPasswordPrompts=1", sshtest.Alias, "echo in"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, line[0], line[1:]...)
		cmd.WaitDelay = time.Second
		cmd.Env = append(plainEnvironment(), "PATH="+os.Getenv("PATH"), "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force", "XDG_RUNTIME_DIR="+dir)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run() // the status is compared
		said := strings.Join(strings.FieldsFunc(reworded(errs.String()), func(r rune) bool { return r == '\n' }), "\n")
		return fmt.Sprintf("status %d, stdout %q, stderr %q", cmd.ProcessState.ExitCode(), out.String(), said)
	}
	for _, row := range []struct {
		name    string
		aging   string // of shadow(5), after the password
		nologin string
		method  string
		want    string // in what ssh says
	}{
		{"an account that has expired", fmt.Sprint(today, ":0:99999:7::1:"), "", "publickey", "Your account has expired"},
		{"an account that has expired, after questions", fmt.Sprint(today, ":0:99999:7::1:"), "", "keyboard-interactive", "Your account has expired"},
		{"an account that has expired, after a password", fmt.Sprint(today, ":0:99999:7::1:"), "", "password", "Your account has expired"},
		{"a password that has expired", "0:0:99999:7:::", "", "publickey", "no TTY available"},
		{"/etc/nologin", fmt.Sprint(today, ":0:99999:7:::"), "back at noon\n", "publickey", "back at noon"},
		{"/etc/nologin, after questions", fmt.Sprint(today, ":0:99999:7:::"), "back at noon\n", "keyboard-interactive", "back at noon"},
	} {
		t.Run(row.name, func(t *testing.T) {
			file("shadow", "root:*:19000:0:99999:7:::\n"+sshtest.AccountName+":"+hash+":"+row.aging+"\n")
			os.Remove(filepath.Join(dir, "nologin"))
			if row.nologin != "" {
				file("nologin", row.nologin)
			}
			want := run(t, []string{sshtest.Program(t, "ssh")}, row.method)
			if got := run(t, []string{product(t) + "/sallyport", "ssh"}, row.method); got != want || !strings.Contains(want, row.want) {
				t.Errorf("ssh: %s\nsallyport ssh: %s", want, got)
			}
		})
	}
}

//go:build linux

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sallyport/internal/sshtest"
)

// TestABannerIsShownToWhoLogsIn has a real server announce something before
// the login, to ssh and to us.
func TestABannerIsShownToWhoLogsIn(t *testing.T) {
	t.Parallel()
	const announced = "The cluster rests on Monday.\nAsk the help desk."
	file := filepath.Join(t.TempDir(), "issue")
	if err := os.WriteFile(file, []byte(announced+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, level := range []struct{ name, said string }{{"INFO", announced + "\n"}, {"ERROR", ""}} {
		t.Run(level.name, func(t *testing.T) {
			t.Parallel()
			c := newClients(t, sshtest.StartServer(t, "Banner "+file), "LogLevel "+level.name)
			run := func(args ...string) string {
				t.Helper()
				cmd := c.sallyport(args...)
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err != nil {
					t.Fatalf("%q: %v: %s", args, err, &said)
				}
				return said.String()
			}
			for _, row := range []struct {
				what, want string
				args       []string
			}{
				{"the first", level.said, []string{sshtest.Alias, "true"}},
				{"one on the connection of the first", "", []string{sshtest.Alias, "true"}},
				{"one in place of ssh", level.said, []string{"ssh", "-F", c.server.Path("ssh_config"), "-S", "none", sshtest.Alias, "true"}},
			} {
				if got := run(row.args...); got != row.want {
					t.Errorf("%s hears %q, want %q", row.what, got, row.want)
				}
			}
			out := new(bytes.Buffer)
			ssh := c.server.SSH(t, "-o", "LogLevel="+level.name, sshtest.Alias, "true")
			ssh.Stderr = out
			if err := ssh.Run(); err != nil || out.String() != level.said {
				t.Errorf("ssh hears %q (%v), want %q", out, err, level.said)
			}
		})
	}
}

// TestAKeyThatOthersCanReachIsNotPassedOverInSilence logs in with the second of
// two keys, of which the first is not used.
func TestAKeyThatOthersCanReachIsNotPassedOverInSilence(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"INFO", "QUIET"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			s := sshtest.StartServer(t)
			open := filepath.Join(t.TempDir(), "open")
			copyFile(t, s.Path("id"), open)
			c := newClients(t, s, "LogLevel "+level, "IdentityFile "+open)
			if err := os.Chmod(open, 0o644); err != nil {
				t.Fatal(err)
			}
			want := ""
			if level == "INFO" {
				want = "The key " + open + " was passed over: its mode is 0644, which lets others reach it. chmod 600 " + open + "\n"
			}
			for _, want := range []string{want, ""} { // the second uses the connection of the first
				cmd := c.sallyport(sshtest.Alias, "true")
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err != nil || said.String() != want {
					t.Errorf("it says %q (%v), want %q", &said, err, want)
				}
			}
		})
	}
}

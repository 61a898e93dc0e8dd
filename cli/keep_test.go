//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// keepingServer is one whose sessions have no programs but a shell's and those
// that are named.
func keepingServer(t *testing.T, programs ...string) (s *sshtest.Server, home string) {
	t.Helper()
	home = t.TempDir()
	bin := filepath.Join(home, "only")
	for _, dir := range []string{bin, filepath.Join(home, "screen")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append(programs, "sh", "uname", "mkdir") {
		if err := os.Symlink(sshtest.Program(t, name), filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return sshtest.StartServer(t, fmt.Sprintf("SetEnv HOME=%s PATH=%s TMUX_TMPDIR=%[1]s SCREENDIR=%[1]s/screen", home, bin)), home
}

// kept are the shells that "sallyport sessions --remote" lists.
func (c clients) kept(t *testing.T) (all []api.KeptShell) {
	t.Helper()
	out, err := c.sallyport("sessions", "--remote", sshtest.Alias, "--json").Output()
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		t.Fatalf("sessions --remote: %v: %s %s", err, out, stderrOf(err))
	}
	return all
}

// TestTheScreenKeepsShells opens one from the list, loses its connection, and
// comes back to it by the same key.
func TestTheScreenKeepsShells(t *testing.T) {
	t.Parallel()
	server, home := keepingServer(t, "tmux")
	c := newClients(t, server)
	t.Cleanup(func() {
		exec.Command("tmux", "-S", filepath.Join(home, fmt.Sprintf("tmux-%d/default", os.Getuid())), "kill-server").Run() // it has ended, if all went well
	})
	p := newConsole(t, c.sallyport())
	p.wait(sshtest.Alias)
	p.press("s", "# ")
	p.press("echo $((6*", "echo $((6*")
	if all := c.sessions(t); len(all) != 1 || all[0].KeptAs == nil || *all[0].KeptAs != (api.KeptAs{Keeper: "tmux", Name: api.UsualKeptName}) {
		t.Errorf("sessions --json says %+v", all)
	}
	server.HangUp()
	p.wait("\x1b[?1049h") // the list is back
	p.wait(sshtest.Alias)
	p.press("s", "echo $((6*")
	p.press("7))\r", "42")
	p.press("exit\r", "\x1b[?1049h")
	if all := c.kept(t); len(all) != 0 {
		t.Errorf("after its end the host keeps %+v", all)
	}
}

func TestTheScreenKeepsNoShellBesideACommand(t *testing.T) {
	t.Parallel()
	server, _ := keepingServer(t, "tmux")
	c := newClients(t, server, "RemoteCommand cat")
	p := newConsole(t, c.sallyport())
	p.wait(sshtest.Alias)
	p.press("s", "sets RemoteCommand")
	if all := c.sessions(t); len(all) != 0 {
		t.Errorf("sessions --json says %+v", all)
	}
}

// TestAKeptShellOutlivesItsConnection ends the processes of sshd with half a
// line typed, and comes back to it.
func TestAKeptShellOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		keeper string
		clean  func(home string) *exec.Cmd
	}{
		{"tmux", func(home string) *exec.Cmd {
			return exec.Command("tmux", "-S", filepath.Join(home, fmt.Sprintf("tmux-%d/default", os.Getuid())), "kill-server")
		}},
		{"screen", func(string) *exec.Cmd { return exec.Command("screen", "-S", "paper", "-X", "quit") }},
		{"dtach", func(home string) *exec.Cmd {
			return exec.Command("sh", "-c", `echo exit | dtach -p "$1"/.dtach/paper@*`, "sh", home)
		}},
	} {
		t.Run(row.keeper, func(t *testing.T) {
			t.Parallel()
			server, home := keepingServer(t, row.keeper)
			c := newClients(t, server)
			t.Cleanup(func() {
				clean := row.clean(home)
				clean.Env = append(os.Environ(), "SCREENDIR="+filepath.Join(home, "screen"))
				clean.Run() // it has ended, if all went well
			})
			p := newConsole(t, c.sallyport(sshtest.Alias, "--keep=paper"))
			p.wait("# ")
			p.press("echo $((6*", "echo $((6*")
			all := c.sessions(t)
			if len(all) != 1 || all[0].KeptAs == nil || *all[0].KeptAs != (api.KeptAs{Keeper: row.keeper, Name: "paper"}) {
				t.Errorf("sessions --json says %+v", all)
			}
			server.HangUp()
			p.wait("the shell goes on on " + sshtest.Alias + ", in " + row.keeper)
			p.wait("to come back: sallyport -F " + server.Path("ssh_config") + " " + sshtest.Alias + " --keep=paper")
			if got := p.ended(); got != ours {
				t.Errorf("without its connection it ended with %d", got)
			}
			sshtest.Eventually(t, "the host lists it as detached", func() bool {
				all := c.kept(t)
				return len(all) == 1 && all[0].Keeper == row.keeper && all[0].Name == "paper" && !all[0].Attached
			})
			if out, _ := c.sallyport("sessions").Output(); !strings.Contains(string(out), "to come back: sallyport "+sshtest.Alias+" --keep=paper") {
				t.Errorf("sessions says %q", out)
			}

			p = newConsole(t, c.sallyport(sshtest.Alias, "--keep=paper"))
			p.wait("echo $((6*")
			p.press("7))\r", "42\r\n")
			if all := c.sessions(t); len(all) != 1 || all[0].State != api.SessionRunning {
				t.Errorf("after it was come back to there are %+v", all)
			}
			if all := c.kept(t); len(all) != 1 || !all[0].Attached {
				t.Errorf("the host lists %+v, want it attached", all)
			}
			p.press("exit\r", "")
			if got := p.ended(); got != 0 {
				t.Errorf("its end ended it with %d", got)
			}
			if all := c.kept(t); len(all) != 0 {
				t.Errorf("after its end the host lists %+v", all)
			}
		})
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	server, _ := keepingServer(t)
	c := newClients(t, server, "Host configured", "HostName 127.0.0.1", fmt.Sprintf("Port %d", server.Port), "RemoteCommand uptime", "Host *",
		"IdentityFile "+server.Path("id"), "UserKnownHostsFile "+server.Path("known_hosts"))
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"on a host without any keeper", []string{sshtest.Alias, "--keep"}, "neither tmux, screen, abduco nor dtach\r\n  hint: install one there, best tmux"},
		{"where the host has a RemoteCommand", []string{"configured", "--keep"}, "ssh_config:4 sets RemoteCommand, and nothing else"},
		{"with a command", []string{sshtest.Alias, "--keep", "uptime"}, "leave the command out"},
		{"without a terminal there", []string{sshtest.Alias, "-T", "--keep"}, "for a terminal only"},
		{"under no name", []string{sshtest.Alias, "--keep="}, `cannot be kept as ""`},
		{"under a name that means something to a shell", []string{sshtest.Alias, "--keep=a;b"}, `cannot be kept as "a;b"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newConsole(t, c.sallyport(row.args...))
			p.wait(row.want)
			if got := p.ended(); got != ours {
				t.Errorf("it ended with %d", got)
			}
		})
	}
	if all := c.kept(t); len(all) != 0 {
		t.Errorf("the host lists %+v", all)
	}
}

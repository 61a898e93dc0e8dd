//go:build linux || darwin || freebsd

package daemon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// TestClientsGetTheAgentAndTheDisplayOfWhoConnected asks a real master and
// ours, which have connected with the same configuration and environment.
func TestClientsGetTheAgentAndTheDisplayOfWhoConnected(t *testing.T) {
	sshtest.Program(t, "xdpyinfo")
	display, authority := sshtest.XServer(t)
	key := filepath.Join(t.TempDir(), "id")
	sshtest.Keygen(t, key, "", "-t", "ed25519")
	env := []string{"PATH=" + os.Getenv("PATH"), "SSH_AUTH_SOCK=" + sshtest.Agent(t, key), "DISPLAY=" + display, "XAUTHORITY=" + authority}
	fingerprint := strings.Fields(sshtest.Run(t, "ssh-keygen", "-l", "-f", key))[1]
	const keys, screen = "ssh-add -l 2>&1", "xdpyinfo 2>&1 | grep -e 'version number' -e 'unable to open'"
	const noAgent, noDisplay = "Could not open a connection to your authentication agent", "unable to open display"
	for _, master := range []struct {
		name  string
		lines []string
		rows  []struct {
			name, flag, command, want string
		}
	}{
		{"that forwards", []string{"ForwardAgent yes", "ForwardX11 yes", "ForwardX11Trusted yes"}, []struct{ name, flag, command, want string }{
			{"with -a", "-a", keys, noAgent}, // before -A: sshd keeps an agent for a connection
			{"with -A", "-A", keys, fingerprint},
			{"with -X", "-X", screen, "version number"},
			{"with -x", "-x", screen, noDisplay},
		}},
		{"that forwards what it does not trust", []string{"ForwardX11 yes", "ForwardX11Trusted no"}, []struct{ name, flag, command, want string }{
			{"with -X", "-X", screen, "version number"},
		}},
		{"that does not forward", nil, []struct{ name, flag, command, want string }{
			{"with -A", "-A", keys, noAgent},
			{"with -X", "-X", screen, noDisplay},
		}},
	} {
		t.Run("a master "+master.name, func(t *testing.T) {
			s := shareWith(t, []string{"X11Forwarding yes"}, env, append(master.lines, "ControlMaster auto")...)
			s.server.Write(t, ".Xauthority", "") // else xauth says on standard error that it makes one
			s.listens()
			real := filepath.Join(filepath.Dir(s.socket), "real")
			ssh := s.server.SSH(t, "-M", "-N", "-S", real, sshtest.Alias)
			ssh.Env = env
			sshtest.RunMaster(t, real, ssh)
			for _, row := range master.rows {
				for name, socket := range map[string]string{"OpenSSH's": real, "ours": s.socket} {
					t.Run(row.name+"/"+name, func(t *testing.T) {
						cmd := s.server.SSHOver(t, socket, row.flag, sshtest.Alias, row.command)
						cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // a client has none of its own
						out, err := cmd.CombinedOutput()
						if _, ended := err.(*exec.ExitError); err != nil && !ended {
							t.Fatal(err)
						}
						if !strings.Contains(string(out), row.want) {
							t.Errorf("it says %q, want %q", out, row.want)
						}
					})
				}
			}
		})
	}
}

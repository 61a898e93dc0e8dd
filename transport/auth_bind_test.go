//go:build unix

package transport

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// TestAKeyThatIsKeptToHostsIsUsedThereAlone has ssh log in to each host too:
// ssh-agent decides by what it is told of them.
func TestAKeyThatIsKeptToHostsIsUsedThereAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := generate(t, dir, "key", "", "-t", "ed25519")
	gate, tower := sshtest.StartServer(t, "AuthenticationMethods publickey"), sshtest.StartServer(t, "AuthenticationMethods publickey")
	for _, s := range []*sshtest.Server{gate, tower} {
		s.Write(t, "authorized_keys", text(t, key+".pub"))
	}
	known := write(t, filepath.Join(dir, "known_hosts"), gate.Known()+tower.Known())
	place := func(s *sshtest.Server) string { return fmt.Sprintf("[127.0.0.1]:%d", s.Port) }
	cfg := load(t, fmt.Sprintf(`
Host gate gate-file
	Port %d
Host tower
	Port %d
	ProxyJump gate
Host *-file
	IdentityFile %s
Host *
	HostName 127.0.0.1
	User %s
	IdentityFile none
	UserKnownHostsFile %s
	GlobalKnownHostsFile none
	BatchMode yes
	PreferredAuthentications publickey
`, gate.Port, tower.Port, key, me(t), known))

	for _, row := range []struct {
		name string
		to   []string          // of ssh-add
		want map[string]string // the failure at each host
	}{
		{"to both", []string{"-h", place(gate), "-h", place(tower)}, map[string]string{"gate": "", "tower": ""}},
		{"to the second from the first alone", []string{"-h", place(gate), "-h", place(gate) + ">" + place(tower)}, map[string]string{
			"gate":  "",
			"tower": `ssh-add -h '` + place(tower) + `' FILE for a key that may be used there`,
		}},
		{"to the second", []string{"-h", place(tower)}, map[string]string{
			"gate":      `ssh-add -h '` + place(gate) + `' FILE for a key that may be used there`,
			"gate-file": "",
		}},
		{"to another account", []string{"-h", "nobody@" + place(gate)}, map[string]string{"gate": "ssh-add -l"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			socket := sshtest.Agent(t)
			sshtest.Add(t, socket, append(append([]string{"-H", known}, row.to...), key)...)
			got, bySSH := map[string]string{}, map[string]bool{}
			for host := range row.want {
				got[host] = hintFor(t, plan(t, cfg, host), Env{"SSH_AUTH_SOCK=" + socket, "HOME=" + dir})
				ssh := exec.Command(sshtest.Program(t, "ssh"), "-F", cfg.Paths().User, host, "true")
				ssh.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
				bySSH[host] = ssh.Run() == nil
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("the hints (-want +got):\n%s", diff)
			}
			for host, in := range bySSH {
				if in != (got[host] == "") {
					t.Errorf("ssh logs in to %s: %v", host, in)
				}
			}
		})
	}
}

// hintFor is that of the refused login, "" for one that succeeds.
func hintFor(t *testing.T, chain Chain, env Env) string {
	t.Helper()
	links := NewLinks(Options{})
	defer links.Close()
	_, err := links.Get(chain, env).Conn(soon(t))
	f, failed := failureOf(err)
	switch {
	case err == nil:
		return ""
	case !failed || f.Code != CodeAuth:
		t.Fatal(err)
	}
	return strings.TrimSpace(f.Hint)
}

//go:build unix

package transport

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// loginLines are the debug lines about a login that we word as ssh does.
var loginLines = regexp.MustCompile(`^(?:debug1: )?((?:Authentications that can continue|Next authentication method|Offering public key|` +
	`Server accepts key|Trying private key|Will attempt key|No more authentication methods|Authenticated |identity added to agent|get_agent_identities: agent returned).*)$`)

// linesOfLogin are those about the preparation, which OpenSSH 9.2 makes
// before it asks the server, and the others.
func linesOfLogin(text string) (said [2][]string) {
	for line := range strings.Lines(text) {
		m := loginLines.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		switch {
		case m == nil:
		case strings.HasPrefix(m[1], "Will attempt") || strings.HasPrefix(m[1], "get_agent"):
			said[0] = append(said[0], m[1])
		default:
			said[1] = append(said[1], m[1])
		}
	}
	return said
}

func TestTheTraceOfALoginIsThatOfSSH(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := sshtest.StartServer(t, "AuthenticationMethods publickey,publickey")
	for _, name := range []string{"agent", "file", "stranger", "open"} {
		generate(t, dir, name, "", "-t", "ed25519")
	}
	server.Write(t, "authorized_keys", text(t, dir+"/agent.pub")+text(t, dir+"/file.pub")+text(t, dir+"/open.pub"))
	chmod(t, dir+"/open", 0o644)
	other := sshtest.Agent(t, dir+"/stranger")
	for _, row := range []struct{ name, block string }{
		{"two keys", "IdentityFile DIR/stranger; IdentityFile DIR/file"},
		{"one key, and nobody to ask", "IdentityFile DIR/file; IdentityAgent none; BatchMode yes"},
		{"no key that is known", "IdentityFile DIR/stranger; IdentityAgent none"},
		{"a key for the agent", "IdentityFile DIR/agent; IdentityFile DIR/file; AddKeysToAgent yes"},
		{"a key that others can read", "IdentityFile DIR/open; IdentityFile DIR/file; IdentityAgent none"},
		{"a .pub", "IdentityFile DIR/agent.pub; IdentitiesOnly yes"},
		{"an agent by its path", "IdentityAgent OTHER; IdentityFile DIR/file"},
		{"an agent by a variable", "IdentityAgent $OTHER; IdentityFile DIR/file"},
		{"an agent by a variable that is not set", "IdentityAgent $NONE; IdentityFile DIR/file"},
		{"the agent of the caller by name", "IdentityAgent SSH_AUTH_SOCK; IdentityFile DIR/file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			block := loginBlock(server.Port, me(t), strings.Split(strings.NewReplacer("DIR", dir, " OTHER", " "+other).Replace(row.block), ";")...)
			cmd := exec.Command(sshtest.Program(t, "ssh"), "-v", "-F", configFile(t, block...), "wall", "true")
			cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+sshtest.Agent(t, dir+"/agent"), "OTHER="+other)
			said, _ := cmd.CombinedOutput() // some logins are to fail
			var ours strings.Builder
			options := newWatch().options()
			var mu sync.Mutex // guards ours: keys are read while the server is spoken to
			options.Trace = func(tr Trace) {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintln(&ours, tr.Message)
			}
			links := NewLinks(options)
			cfg := load(t, "Host wall\n\t"+strings.Join(block, "\n\t")+"\n")
			l := links.Get(plan(t, cfg, "wall"), Env{"SSH_AUTH_SOCK=" + sshtest.Agent(t, dir+"/agent"), "OTHER=" + other})
			release := l.Hold()
			_, err := l.Conn(soon(t))
			release()
			links.Close()
			if diff := cmp.Diff(linesOfLogin(string(said)), linesOfLogin(ours.String())); diff != "" {
				t.Errorf("ssh says (-), we say (+), and end with %v:\n%s", err, diff)
			}
		})
	}
}

//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// TestAnUnknownHostKeyIsAskedAboutAsBySSH compares all that stands above the
// question, and what follows a no.
func TestAnUnknownHostKeyIsAskedAboutAsBySSH(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(b.server.HostKey)))
	known := func(names ...string) string {
		var lines strings.Builder
		for _, name := range names {
			fmt.Fprintf(&lines, "%s %s\n", name, key)
		}
		return lines.String()
	}
	many := make([]string, 12)
	for i := range many {
		many[i] = fmt.Sprintf("host%d", i)
	}
	for _, row := range []struct{ name, known, args string }{
		{"by an address", "", "one"},
		{"by a name", "", "-o HostName=localhost one"},
		{"by an alias", "", "-o HostKeyAlias=Alias one"},
		{"by a ProxyCommand", "", "proxied"},
		{"with a picture", "", "-o VisualHostKey=yes one"},
		{"with the key in DNS", "", "-o VerifyHostKeyDNS=ask one"},
		{"with MD5", "", "-o FingerprintHash=md5 one"},
		{"known by a name", known("other,another"), "one"},
		{"known by several", known("other", "127.0.0.1", "[127.0.0.2]:2"), "-o VerifyHostKeyDNS=ask one"},
		{"known by its address", known(fmt.Sprintf("[127.0.0.1]:%d", b.server.Port)), "-o HostName=localhost one"},
		{"known by a hashed name", known("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLItLCg="), "one"},
		{"known by many", known(many...), "one"},
		{"known by nine", known(many[:9]...), "one"},
		{"known by eight", known(many[:8]...), "one"},
		{"known as an authority", "@cert-authority " + known("*"), "one"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "known")
			asked := func(program ...string) string {
				if err := os.WriteFile(file, []byte(row.known), 0o600); err != nil {
					t.Fatal(err)
				}
				args := append(program[1:], "-F", b.config, "-o", "StrictHostKeyChecking=ask", "-o", "UserKnownHostsFile="+file)
				return b.talk(t, exec.Command(program[0], append(append(args, strings.Fields(row.args)...), "true")...), "(yes/no/[fingerprint])? ", "no\n")
			}
			want, got := asked(sshtest.Program(t, "ssh")), asked(b.bin+"/sallyport", "ssh")
			if reworded(want) != reworded(got) {
				t.Errorf("ssh asks\n%s\nand we ask\n%s", want, got)
			}
		})
	}
}

// talk runs a command on a terminal of its own, answers what it asks once, and
// gives all that it showed.
func (b *bench) talk(t *testing.T, cmd *exec.Cmd, question, answer string) string {
	t.Helper()
	cmd.Env = append(plainEnvironment(), "TERM=vt100", "PATH="+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+b.bin)
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer guard.Stop()
	var all bytes.Buffer
	buf := make([]byte, 4096)
	for asked := false; ; {
		n, err := tty.Read(buf)
		all.Write(buf[:n])
		if !asked && bytes.Contains(all.Bytes(), []byte(question)) {
			asked = true
			if _, err := tty.WriteString(answer); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	cmd.Wait()
	return all.String()
}

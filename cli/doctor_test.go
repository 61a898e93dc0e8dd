//go:build linux

package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// answering answers all questions in the same way.
type answering string

func (a answering) Ask(context.Context, transport.Question) (transport.Answer, error) {
	return transport.Answer{Texts: [][]byte{[]byte(a)}}, nil
}

// The report is of a host that does not let the key in, whose passphrase is
// given, and that is reached by a command with a token in it.
func TestTheReportHoldsWhatHelpDesksAskForAndNoSecret(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	home := t.TempDir()
	dir := filepath.Join(home, ".ssh")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const passphrase, token = "winter-is-coming", "glpat-0123456789"
	sshtest.Keygen(t, filepath.Join(dir, "id_ed25519"), passphrase, "-t", "ed25519")
	sshtest.Keygen(t, filepath.Join(dir, "id_rsa"), "", "-t", "rsa", "-b", "2048", "-m", "PEM")
	relay := sshtest.Script(t, filepath.Join(home, "relay"), fmt.Sprintf("echo \"called with $*\" >&2; exec nc 127.0.0.1 %d\n", s.Port))
	dead := sshtest.Script(t, filepath.Join(home, "dead"), "echo \"called with $*\" >&2; exit 1\n")
	text := "# " + token + `
Host secret-lab
  HostName vault.example
Host one
  HostName 127.0.0.1
  ProxyCommand ` + relay + " --token=" + token + `
  SetEnv API=` + token + `
  StrictHostKeyChecking no
  UserKnownHostsFile ` + filepath.Join(dir, "known_hosts") + `
Host two
  ProxyCommand ` + dead + " --token " + token + "\n"
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := sshtest.Agent(t)
	p := transport.Patient{
		Config: config.Load(config.Paths{User: filepath.Join(dir, "config"), Home: home}), Host: "one",
		Env:   transport.Env{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh", "API=" + token, "SSH_AUTH_SOCK=" + agent},
		Asker: answering(passphrase),
	}
	report, err := compose(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	p.Host = "two"
	if second, err := compose(t.Context(), p); err != nil || strings.Contains(second, token) || !strings.Contains(second, "called with --token") {
		t.Errorf("what a ProxyCommand says when it dies: %v\n%s", err, second)
	}
	never := []string{passphrase, token, "secret-lab", "vault.example"}
	for _, name := range []string{"id_ed25519", "id_rsa"} {
		for line := range strings.Lines(read(t, filepath.Join(dir, name))) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "---") && line != "" {
				never = append(never, line)
			}
		}
	}
	for _, secret := range never {
		if strings.Contains(report, secret) {
			t.Errorf("it holds %q", secret)
		}
	}
	for _, wanted := range []string{
		strings.TrimSpace(sshtest.Run(t, "uname", "-a")), "$ date", "$ ls -al ~/.ssh\ntotal ", "-rw-------", " id_ed25519\n",
		"0 keys", "id_rsa: RSA, PEM, no passphrase", "id_ed25519: ED25519, OpenSSH, ",
		strings.Join(strings.Fields(read(t, filepath.Join(dir, "id_ed25519.pub")))[:2], " "),
		"debug1: Executing proxy command: exec " + relay + " ...", "debug1: Offering public key: ", "debug1: Authentications that can continue: ",
		"✗ one: connecting to \"one\": the login as ", "[login]\n    why: ",
	} {
		if !strings.Contains(report, wanted) {
			t.Errorf("it lacks %q", wanted)
		}
	}
	if t.Failed() {
		t.Log(report)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheDoctorMendsWhatIsAgreedTo(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	c := newClients(t, s)
	if err := os.Chmod(s.Path("id"), 0o644); err != nil {
		t.Fatal(err)
	}
	mode := func() os.FileMode {
		info, err := os.Stat(s.Path("id"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	refused := newConsole(t, c.sallyport("doctor", "--fix", sshtest.Alias))
	refused.wait("Do it? [y/N] ")
	refused.press("no\r", "is known and matches")
	if got := refused.ended(); got != found || mode() != 0o644 {
		t.Errorf("after a no it ends with %d, and the mode is %o", got, mode())
	}
	agreed := newConsole(t, c.sallyport("doctor", "--fix", sshtest.Alias))
	agreed.wait("Do it? [y/N] ")
	agreed.press("yes\r", "Looking again.")
	agreed.wait("✓ " + sshtest.Alias + ": commands run there")
	if got := agreed.ended(); got != 0 || mode() != 0o600 {
		t.Errorf("after a yes it ends with %d, and the mode is %o", got, mode())
	}
	if out, err := c.ssh(t, sshtest.Alias, "true").CombinedOutput(); err != nil {
		t.Errorf("ssh: %v: %s", err, out)
	}
}

func TestTheReportIsShownBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	c := newClients(t, s)
	cmd := c.sallyport("doctor", "--report", sshtest.Alias)
	cmd.Dir = t.TempDir()
	written := func() []string {
		files, err := filepath.Glob(filepath.Join(cmd.Dir, "sallyport-report-*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	v := newConsole(t, cmd)
	v.wait("Write this to sallyport-report-")
	if shown := v.since(); !strings.Contains(shown, "Report of sallyport on the connection to "+sshtest.Alias) || len(written()) > 0 {
		t.Errorf("before the question it has written %q, and shown %q", written(), shown)
	}
	v.press("yes\r", "yes")
	if got := v.ended(); got != 0 || len(written()) != 1 {
		t.Fatalf("it ends with %d and has written %q", got, written())
	}
	if text := read(t, written()[0]); !strings.Contains(text, "debug1: Authenticated to 127.0.0.1 ") {
		t.Errorf("the file holds:\n%s", text)
	}
}

func TestTheDoctorAsksNobodyWithoutATerminal(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t, "PasswordAuthentication yes", "PubkeyAuthentication no")
	c := newClients(t, s)
	cmd := c.sallyport("doctor", sshtest.Alias)
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != found || !strings.Contains(string(out), "password (BatchMode forbids asking)") {
		t.Errorf("it says, with %v:\n%s", err, out)
	}
}

//go:build linux

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

const marked = "Marked-Passphrase-7q"

// maker is sallyport itself, in a home of its own.
func maker(t *testing.T, args ...string) (cmd *exec.Cmd, dir string) {
	t.Helper()
	dir = t.TempDir()
	return makerIn(t, dir, args...), dir
}

func makerIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(t.TempDir(), "sallyport")
	if err := os.Link(test, ours); err != nil {
		copyFile(t, test, ours)
	}
	cmd := exec.Command(ours, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "XDG_STATE_HOME="+dir, "SSH_ASKPASS=", "TERM=xterm")
	return cmd
}

func TestAPassphraseIsAskedTwiceAndItsStrengthShown(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh-keygen")
	cmd, dir := maker(t, "key", "new", "-f", "id", "-a", "2")
	p := newConsole(t, cmd)
	p.wait("Enter passphrase (empty for no passphrase): ")
	p.press("winter\r", "weak; four or five random words are better")
	p.wait("Enter same passphrase again: ")
	p.press("summer\r", "the passphrases differ; nothing was written")
	if got := p.ended(); got != 255 {
		t.Errorf("it ended with %d", got)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

func TestNoPassphraseHasToBeMeant(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		answer, want string
		status       int
	}{
		{"\r", "no passphrase was given; nothing was written", 255},
		{"yes\r", "wrote id and id.pub", 0},
	} {
		cmd, _ := maker(t, "key", "new", "-f", "id")
		p := newConsole(t, cmd)
		p.wait("Enter passphrase")
		p.press("\r", "Without a passphrase (yes/no)? ")
		p.press(row.answer, row.want)
		if got := p.ended(); got != row.status {
			t.Errorf("after %q it ended with %d", row.answer, got)
		}
	}
}

// TestAMarkedPassphraseIsFoundNowhere looks at each process once it knows the
// passphrase and waits for the next answer, and at all files afterwards.
func TestAMarkedPassphraseIsFoundNowhere(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh-keygen")
	const another = "Another-" + marked
	const empty, again = "(empty for no passphrase): ", "same passphrase again: "
	type answer struct{ question, text string }
	dir := t.TempDir()
	for _, row := range []struct {
		args    string
		answers []answer
	}{
		{"new -f id -a 2 -C jon@wall", []answer{{empty, marked}, {again, marked}}},
		{"passwd id -a 2", []answer{{"for key 'id': ", marked}, {empty, another}, {again, another}}},
		{"comment id jon", []answer{{"for key 'id': ", another}}},
		{"public id -o copy", []answer{{"for key 'id': ", another}}},
		{"convert id --to ppk", []answer{{"for key 'id': ", another}}},
		{"convert id --to pkcs8", []answer{{"for key 'id': ", another}}},
		{"import id.ppk -f back", []answer{{"for key 'id.ppk': ", another}}},
	} {
		cmd := makerIn(t, dir, append([]string{"key"}, strings.Fields(row.args)...)...)
		p := newConsole(t, cmd)
		for i, a := range row.answers {
			p.wait(a.question)
			if i > 0 {
				notInProcess(t, cmd)
			}
			p.press(a.text+"\r", "\n")
		}
		if got := p.ended(); got != 0 {
			t.Errorf("key %s ended with %d: %s", row.args, got, p.since())
		}
		<-p.read
		if strings.Contains(p.seen.String(), marked) {
			t.Errorf("the terminal shows it for key %s", row.args)
		}
	}
	notIn(t, dir, marked)
	if line := sshtest.Run(t, "ssh-keygen", "-y", "-P", another, "-f", filepath.Join(dir, "id")); !strings.HasSuffix(line, " jon\n") {
		t.Errorf("ssh-keygen opens it as %q", line)
	}
}

// notInProcess looks at what others see of a process.
func notInProcess(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	for _, place := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, place))
		if err != nil || len(text) == 0 || strings.Contains(string(text), marked) {
			t.Errorf("the %s is %q, %v", place, text, err)
		}
	}
}

// notInAnyProcess looks at what can be seen of all of them.
func notInAnyProcess(t *testing.T) {
	t.Helper()
	places, err := filepath.Glob("/proc/[0-9]*/[ce][mn][dv]*") // cmdline and environ
	if err != nil || len(places) == 0 {
		t.Fatalf("no process is seen: %v", err)
	}
	for _, place := range places {
		if text, err := os.ReadFile(place); err == nil && strings.Contains(string(text), marked) { // it may have ended
			t.Errorf("%s is %q", place, text)
		}
	}
}

// TestAChangeThatIsKilledLosesNothing kills it while it looks at what it wrote:
// that takes it some time. Should it be faster, the key is the new one.
func TestAChangeThatIsKilledLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "id")
	sshtest.Keygen(t, path, "winter", "-t", "ed25519")
	p := newConsole(t, makerIn(t, dir, "key", "passwd", "id", "-a", "30"))
	p.wait("for key 'id': ")
	p.press("winter\r", "Enter new passphrase")
	p.press("summer\r", "same passphrase again")
	p.press("summer\r", "\n")
	left := ""
	sshtest.Eventually(t, "it writes", func() bool {
		there, _ := filepath.Glob(filepath.Join(dir, ".sallyport-*")) // the pattern is good
		left = strings.Join(there, "")
		return left != "" || strings.Contains(p.since(), "it was ")
	})
	p.cmd.Process.Kill()
	p.ended()
	passphrase := "winter"
	if _, err := os.Stat(left); err != nil {
		passphrase = "summer"
	}
	line := sshtest.Run(t, "ssh-keygen", "-y", "-P", passphrase, "-f", path)
	if public, err := os.ReadFile(path + ".pub"); err != nil || line != string(public) {
		t.Errorf("the key is %q, want %q, %v", line, public, err)
	}
}

// TestAMarkedPassphraseOfAPackIsFoundNowhere looks at both commands while they
// wait for an answer, and at all files afterwards.
func TestAMarkedPassphraseOfAPackIsFoundNowhere(t *testing.T) {
	t.Parallel()
	cmd, dir := maker(t, "key", "pack", "--directory", "ssh", "-o", "keys.age", "--work", "2")
	if err := os.Mkdir(filepath.Join(dir, "ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ssh", "known_hosts"), []byte("wall\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newConsole(t, cmd)
	p.wait("Enter passphrase for the file: ")
	p.press(marked+"\r", "Enter same passphrase again: ")
	notInProcess(t, cmd)
	p.press(marked+"\r", "wrote keys.age")
	unpack := exec.Command(cmd.Path, "key", "unpack", "--directory", "there", "keys.age")
	unpack.Dir, unpack.Env = dir, cmd.Env
	there := newConsole(t, unpack)
	there.wait("Enter passphrase for 'keys.age': ")
	there.press(marked+"\r", "Write to there? [y/N]")
	notInProcess(t, unpack)
	there.press("y\r", "1 of 1 files were set up")
	for _, c := range []*console{p, there} {
		if got := c.ended(); got != 0 {
			t.Errorf("it ended with %d", got)
		}
		<-c.read
		if strings.Contains(c.seen.String(), marked) {
			t.Error("the terminal shows it")
		}
	}
	notIn(t, dir, marked)
}

// TestAMarkedPassphraseGivenToAnAgentIsFoundNowhere has a second key, for which
// the command waits while it knows the first passphrase.
func TestAMarkedPassphraseGivenToAnAgentIsFoundNowhere(t *testing.T) {
	t.Parallel()
	cmd, dir := maker(t, "agent", "add", "id", "other")
	sshtest.Keygen(t, filepath.Join(dir, "id"), marked, "-t", "ed25519", "-a", "2")
	sshtest.Keygen(t, filepath.Join(dir, "other"), "winter", "-t", "ed25519", "-a", "2")
	socket := sshtest.Agent(t)
	cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+socket)
	p := newConsole(t, cmd)
	p.wait("for key 'id': ")
	p.press(marked+"\r", "for key 'other': ")
	notInProcess(t, cmd)
	p.press("winter\r", "\n")
	if got := p.ended(); got != 0 {
		t.Errorf("it ended with %d: %s", got, p.since())
	}
	<-p.read
	if strings.Contains(p.seen.String(), marked) {
		t.Error("the terminal shows it")
	}
	notIn(t, dir, marked)
	list := exec.Command(sshtest.Program(t, "ssh-add"), "-l")
	list.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := list.Output(); err != nil || strings.Count(string(out), "\n") != 2 {
		t.Errorf("the agent has %q, %v", out, err)
	}
}

// TestAMarkedPassphraseOfThePageOfKeysIsFoundNowhere makes a key on the screen, and
// looks at the program while the same is asked again, and then at all processes,
// the background process among them, and at the files.
func TestAMarkedPassphraseOfThePageOfKeysIsFoundNowhere(t *testing.T) {
	t.Parallel()
	c := newClients(t, sshtest.StartServer(t))
	dir, err := os.MkdirTemp("", "k") // its name has room in a line of the screen
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cmd := c.sallyport()
	p := newConsole(t, cmd)
	p.wait("Hosts")
	p.press("4", "Keys")
	p.press("n", "New key")
	p.press("\x1b[Z\x1b[Z"+filepath.Join(dir, "id"), "id")
	p.press("\t\t"+marked, "strength")
	notInProcess(t, cmd)
	p.press("\t"+marked+"\r", "agent.")
	notInAnyProcess(t)
	p.press("q", "\x1b[?1049l")
	p.ended()
	<-p.read
	if strings.Contains(p.seen.String(), marked) {
		t.Error("the screen shows it")
	}
	notIn(t, dir, marked)
	sshtest.Run(t, "ssh-keygen", "-y", "-P", marked, "-f", filepath.Join(dir, "id"))
}

func notIn(t *testing.T, dir, secret string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			t.Errorf("%s holds it", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("looked through %d files: %v", files, err)
	}
}

func TestAKeyOfATokenIsMadeBySSHKeygen(t *testing.T) {
	t.Parallel()
	provider := sshtest.Token(t)
	cmd, dir := maker(t, "key", "new", "-t", "ecdsa-sk", "-f", "id", "-C", "jon@wall", "--no-passphrase")
	cmd.Env = append(cmd.Env, "SSH_SK_PROVIDER="+provider)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line := sshtest.Run(t, "ssh-keygen", "-l", "-f", filepath.Join(dir, "id"))
	if !strings.HasSuffix(line, " jon@wall (ECDSA-SK)\n") || !strings.Contains(string(out), strings.Fields(line)[1]) {
		t.Errorf("ssh-keygen says %q, we %q", line, out)
	}
}

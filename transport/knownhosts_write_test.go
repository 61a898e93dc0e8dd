package transport

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// writerFile tells a child of the test binary which file to write.
const writerFile = "SALLYPORT_TEST_KNOWN_HOSTS"

// TestWriterOfKnownHosts is the child: it appends its own hosts and replaces
// the keys of one, until it is killed or done.
func TestWriterOfKnownHosts(t *testing.T) {
	file, who := os.Getenv(writerFile), os.Getenv(writerFile+"_WHO")
	if file == "" {
		t.Skip("it is run by the tests below")
	}
	key, other := sshtest.NewKey(t).PublicKey(), sshtest.NewKey(t).PublicKey()
	fmt.Println("begun")
	for i := range writerHosts {
		if err := rememberHost(file, []string{fmt.Sprintf("%s-%d", who, i)}, key, false); err != nil {
			t.Fatal(err)
		}
		if err := replaceKnownHosts(file, []string{"changing-" + who}, []ssh.PublicKey{other, key}[i%2:i%2+1], false); err != nil {
			t.Fatal(err)
		}
	}
}

const writerHosts = 40

func startWriter(t *testing.T, file, who string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestWriterOfKnownHosts$")
	cmd.Env = append(os.Environ(), writerFile+"="+file, writerFile+"_WHO="+who)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestProcessesThatWriteAtTheSameTimeLoseNoLine(t *testing.T) {
	t.Parallel()
	const mine = "# mine \n\t odd   line\nlast without an end"
	file := write(t, filepath.Join(t.TempDir(), "known_hosts"), mine)
	var wg sync.WaitGroup // waited for below
	for _, who := range []string{"a", "b"} {
		cmd := startWriter(t, file, who)
		wg.Go(func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("the writer %s: %v", who, err)
			}
		})
	}
	wg.Wait()
	text := read(t, file)
	if !strings.HasPrefix(text, mine+"\n") {
		t.Errorf("the lines of others have changed: %.80q", text)
	}
	all := parseKnownHosts(strings.NewReader(text), file)
	for _, who := range []string{"a", "b"} {
		for i := range writerHosts {
			if name := fmt.Sprintf("%s-%d", who, i); len(all.of(name)) != 1 {
				t.Errorf("%s has %d lines", name, len(all.of(name)))
			}
		}
		if n := len(all.of("changing-" + who)); n != 1 {
			t.Errorf("the host with a changing key has %d lines", n)
		}
	}
}

func TestAWriterThatIsKilledLosesNothing(t *testing.T) {
	t.Parallel()
	var before strings.Builder
	key := sshtest.NewKey(t).PublicKey()
	for i := range 500 {
		before.WriteString(knownHostLines([]string{fmt.Sprintf("before-%d", i)}, key, false))
	}
	file := write(t, filepath.Join(t.TempDir(), "known_hosts"), before.String())
	for i := range 3 {
		who := fmt.Sprintf("killed%d", i)
		cmd := startWriter(t, file, who)
		sshtest.Eventually(t, "it writes", func() bool { return strings.Contains(read(t, file), "changing-"+who) })
		cmd.Process.Kill()
		cmd.Wait() // that it was killed is no news
		if text := read(t, file); !strings.HasPrefix(text, before.String()) || !strings.HasSuffix(text, "\n") {
			t.Fatalf("after a kill the file has %d bytes, before it had %d", len(text), before.Len())
		}
	}
	if err := replaceKnownHosts(file, []string{"before-0"}, nil, false); err != nil { // what was left lying takes no effect
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".known_hosts*")); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
}

func TestReplacingKeysKeepsTheFileWhatItIs(t *testing.T) {
	dir := t.TempDir()
	key, other := sshtest.NewKey(t).PublicKey(), sshtest.NewKey(t).PublicKey()
	before := knownHostLines([]string{"wall"}, key, false) + "# mine"
	real := write(t, filepath.Join(dir, "real"), before)
	if err := os.Chmod(real, 0o640); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "known_hosts")
	if err := os.Symlink("real", file); err != nil {
		t.Fatal(err)
	}
	if err := replaceKnownHosts(file, []string{"wall"}, []ssh.PublicKey{other}, false); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, real), "# mine\n"+knownHostLines([]string{"wall"}, other, false); got != want {
		t.Errorf("the file is %q, want %q", got, want)
	}
	if got := read(t, real+".old"); got != before {
		t.Errorf("the old text is kept as %q", got)
	}
	checkMode(t, real, 0o640)
	if to, err := os.Readlink(file); err != nil || to != "real" {
		t.Errorf("the symbolic link leads to %q, %v", to, err)
	}

	if err := os.Chmod(real, 0o440); err != nil {
		t.Fatal(err)
	}
	if err := replaceKnownHosts(file, []string{"wall"}, []ssh.PublicKey{key}, false); err == nil {
		t.Error("a file that is read-only was replaced")
	}
	if err := replaceKnownHosts(filepath.Join(dir, "none"), []string{"wall"}, []ssh.PublicKey{key}, false); err != nil {
		t.Errorf("a file that is not there: %v", err)
	}
}

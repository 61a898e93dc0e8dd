package transport

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// knownHostsText has a line for each rule; KEY stands for a key and KEY2 for
// another.
const knownHostsText = `# a comment
plain ssh-ed25519 KEY
	 indented.example ssh-ed25519 KEY comment with words

one,two,three ssh-ed25519 KEY
[ports]:2222 ssh-ed25519 KEY
*.wild.example,!bad.wild.example ssh-ed25519 KEY
!alone ssh-ed25519 KEY
ho?t ssh-ed25519 KEY
UPPER.example ssh-ed25519 KEY
192.168.1.7 ssh-ed25519 KEY
2001:db8::1 ssh-ed25519 KEY
[2001:db8::1]:2222 ssh-ed25519 KEY
@cert-authority *.certified.example ssh-ed25519 KEY
@revoked * ssh-ed25519 KEY2
@unknown plain ssh-ed25519 KEY
@revoked @cert-authority plain ssh-ed25519 KEY
plain
plain ssh-ed25519
plain ssh-ed25519 not*base64
plain ssh-rsa KEY
plain ssh-unknown KEY
plain ssh-ed25519 KEY#comment
plain  	ssh-ed25519 	 KEY2
crlf.example ssh-ed25519 KEY` + "\r" + `
|1|bad|bad ssh-ed25519 KEY
|2|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 KEY
last.example ssh-ed25519 KEY`

func knownHostsFile(t *testing.T) string {
	t.Helper()
	one := strings.Fields(keyText(sshtest.NewKey(t).PublicKey()))[1]
	two := strings.Fields(keyText(sshtest.NewKey(t).PublicKey()))[1]
	text := strings.ReplaceAll(strings.ReplaceAll(knownHostsText, "KEY2", two), "KEY", one)
	return write(t, filepath.Join(t.TempDir(), "known_hosts"), text)
}

// Names in lower case, as ssh makes them before it looks.
var knownNames = []string{
	"plain", "indented.example", "one", "two", "three", "four", "ports", "[ports]:2222", "[ports]:22",
	"a.wild.example", "bad.wild.example", "wild.example", "alone", "host", "hoost", "upper.example",
	"192.168.1.7", "2001:db8::1", "[2001:db8::1]:2222", "a.certified.example", "crlf.example", "last.example", "",
}

func TestTheLinesOfAHostAreThoseThatSSHKeygenFinds(t *testing.T) {
	file := knownHostsFile(t)
	for _, hashed := range []bool{false, true} {
		if hashed { // of the good lines, else ssh-keygen refuses
			var good strings.Builder
			for _, e := range readKnownHosts([]string{file}, nil) {
				good.WriteString(strings.TrimSpace(e.marker+" "+e.names+" "+keyText(e.key)) + "\n")
			}
			write(t, file, good.String())
			sshtest.Run(t, "ssh-keygen", "-q", "-H", "-f", file)
		}
		all := readKnownHosts([]string{file}, nil)
		for _, name := range knownNames {
			if name == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s, hashed %v", name, hashed), func(t *testing.T) {
				var got []int
				for _, e := range all.of(name) {
					got = append(got, e.line)
				}
				if diff := cmp.Diff(foundByKeygen(t, file, name), got); diff != "" {
					t.Errorf("ssh-keygen -F finds the lines (-), we (+):\n%s", diff)
				}
			})
		}
	}
}

var foundLine = regexp.MustCompile(`(?m)^# Host .* found: line (\d+)`)

// foundByKeygen are the lines with a good key that ssh-keygen -F finds.
func foundByKeygen(t *testing.T, file, name string) []int {
	t.Helper()
	sshtest.Program(t, "ssh-keygen")
	// With -l it reads the keys too, as ssh does.
	out, _ := exec.Command("ssh-keygen", "-l", "-F", name, "-f", file).Output() // fails where nothing is found
	var lines []int
	for _, m := range foundLine.FindAllStringSubmatch(string(out), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, n)
	}
	return lines
}

func TestAcceptedKeysAreFoundBySSHKeygen(t *testing.T) {
	for _, row := range []struct {
		name   string
		before string // of the file; "-" if there is none
		hash   bool
	}{
		{"in a file that is not there, nor its directory", "-", false},
		{"in an empty file", "", false},
		{"after a whole line", "# note\n", false},
		{"after a line without an end", "# note", false},
		{"under a hash", "# note", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), ".ssh", "known_hosts")
			if row.before != "-" {
				if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, file, row.before)
			}
			key := sshtest.NewKey(t).PublicKey()
			for range 2 { // the second time it is there already
				if err := rememberHost(file, []string{"[wall.example]:2222"}, key, row.hash); err != nil {
					t.Fatal(err)
				}
				if got := foundByKeygen(t, file, "[wall.example]:2222"); len(got) != 1 {
					t.Errorf("ssh-keygen finds the lines %v", got)
				}
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if hidden := !strings.Contains(string(text), "wall.example"); hidden != row.hash {
				t.Errorf("the name is hidden: %v, want %v", hidden, row.hash)
			}
			if row.before != "-" && !strings.HasPrefix(string(text), row.before) {
				t.Errorf("what was there has changed:\n%s", text)
			}
			if row.before == "-" {
				checkMode(t, file, 0o600)
				checkMode(t, filepath.Dir(file), 0o700)
			}
		})
	}
}

func checkMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
	}
}

func TestKeysAcceptedAtTheSameTimeAreAllKept(t *testing.T) {
	const hosts = 20
	file := filepath.Join(t.TempDir(), "known_hosts")
	key := sshtest.NewKey(t).PublicKey()
	var wg sync.WaitGroup // waited for below
	for i := range hosts {
		for range 2 {
			wg.Go(func() {
				if err := rememberHost(file, []string{fmt.Sprintf("host%d", i)}, key, false); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if all := readKnownHosts([]string{file}, nil); len(all) != hosts {
		t.Errorf("the file has %d lines, want %d", len(all), hosts)
	}
}

func TestAKeyIsAddedOnceByThoseWhoWaitForTheLock(t *testing.T) {
	locks := "/proc/locks"
	if _, err := os.Stat(locks); err != nil {
		t.Skip("who waits for a lock is known on Linux only")
	}
	file := write(t, filepath.Join(t.TempDir(), "known_hosts"), "")
	holder, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if err := lockFile(holder); err != nil {
		t.Fatal(err)
	}
	info, err := holder.Stat()
	if err != nil {
		t.Fatal(err)
	}
	key := sshtest.NewKey(t).PublicKey()
	done := make(chan error)
	go func() { done <- rememberHost(file, []string{"wall"}, key, false) }() // received below
	waiting := regexp.MustCompile(fmt.Sprintf(`-> FLOCK .*:%d `, reflect.ValueOf(info.Sys()).Elem().FieldByName("Ino").Uint()))
	sshtest.Eventually(t, "another waits for the lock", func() bool {
		held, err := os.ReadFile(locks)
		return err == nil && waiting.Match(held)
	})
	if _, err := holder.WriteString(knownHostLines([]string{"wall"}, key, false)); err != nil {
		t.Fatal(err)
	}
	holder.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if all := readKnownHosts([]string{file}, nil); len(all) != 1 {
		t.Errorf("the file has %d lines, want 1", len(all))
	}
}

func TestAPatternIsMatchedInBoundedTime(t *testing.T) {
	if matchPattern(strings.Repeat("*a", 5000)+"b", strings.Repeat("a", 20000)) {
		t.Error("a name matched that can't")
	}
}

func FuzzKnownHostsLine(f *testing.F) {
	text := keyText(sshtest.NewKey(f).PublicKey())
	for line := range strings.Lines(strings.ReplaceAll(knownHostsText, "ssh-ed25519 KEY", text)) {
		f.Add(line, "plain")
	}
	f.Fuzz(func(t *testing.T, line, name string) {
		e, ok := parseKnownHost(line)
		if ok != (e.key != nil) && ok {
			t.Fatalf("a line without a key is taken: %q", line)
		}
		if !ok {
			return
		}
		e.matches(name)
		keys.Fingerprint(e.key)
		if e.names == "" || strings.ContainsAny(e.names, " \t\n") && !strings.ContainsAny(line, "\n\r") {
			t.Errorf("the names are %q", e.names)
		}
	})
}

//go:build linux

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// bench is a server, and a configuration whose hosts all lead to it.
type bench struct {
	server *sshtest.Server
	dir    string
	config string
	bin    string // holds the program under test as sallyport, and no background process
}

// newBench starts the server; it is shared by all rows of a test.
func newBench(t *testing.T) *bench {
	t.Helper()
	s := sshtest.StartServer(t, "Subsystem sftp internal-sftp", "AcceptEnv LC_*", "PrintMotd no", "PasswordAuthentication yes", "KbdInteractiveAuthentication no", "PrintLastLog no", "MaxSessions 100",
		"X11Forwarding yes", "KexAlgorithms curve25519-sha256") // the quickest, for there are many logins
	b := &bench{server: s, dir: s.Path(""), config: s.Path("config"), bin: product(t)}
	sshtest.Keygen(t, s.Path("locked"), "secret", "-t", "ed25519")
	sshtest.Keygen(t, s.Path("stranger"), "", "-t", "ed25519")
	sshtest.Keygen(t, s.Path("narrow"), "", "-t", "ed25519")
	text := ""
	for _, part := range []struct{ options, file string }{{"", "authorized_keys"}, {"", "locked.pub"}, {"restrict ", "narrow.pub"}} {
		key, err := os.ReadFile(s.Path(part.file))
		if err != nil {
			t.Fatal(err)
		}
		text += part.options + string(key)
	}
	s.Write(t, "authorized_keys", text)
	mute := mutePort(t)
	s.Write(t, "config", strings.NewReplacer("$PORT", fmt.Sprint(s.Port), "$MUTE", fmt.Sprint(mute), "$DIR", strings.TrimSuffix(b.dir, "/")).Replace(benchConfig))
	s.Write(t, "bad", "Host one\n  Port x\n  Colour blue\n  Ciphers zz\n")
	sshtest.Script(t, s.Path("askpass"), "echo \"$1\" >>\"$PROMPTS\"\necho \"${ANSWER:-secret}\"\n")
	return b
}

// mutePort is one that takes connections and says nothing.
func mutePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts: what connects waits in its queue
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

const benchConfig = `
Host mute patient
  Port $MUTE
Host hasty mute
  ConnectTimeout 1
Host forwarding
  LocalForward 127.0.0.1:7 127.0.0.1:$PORT
Host proxied
  ProxyCommand nc 127.0.0.1 $PORT
Host two three
  ProxyJump one
Host three
  HostName localhost
  HostKeyAlias [127.0.0.1]:$PORT
Host refused
  Port 1
Host beyond
  ProxyJump refused
Host new
  UserKnownHostsFile $DIR/none
Host narrow
  IdentityFile $DIR/narrow
  IdentityFile none
Host one two three narrow proxied refused beyond new forwarding other mute hasty patient
  HostName 127.0.0.1
  Port $PORT
Host *
  IdentityFile $DIR/id
  IdentitiesOnly yes
  UserKnownHostsFile $DIR/known_hosts
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
`

// run runs a script whose ssh is the program that is named, in a directory of
// its own, and gives all that it left behind.
func (b *bench) run(t *testing.T, ssh, script string) outcome {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, sshtest.Program(t, "bash"), "-c", `ssh() { command `+ssh+` -F "$CONFIG" "$@"; }; bare() { command `+ssh+` "$@"; }; `+script)
	cmd.Dir = dir
	port := sshtest.FreePort(t)
	cmd.Env = append(plainEnvironment(), "PATH="+b.bin+":"+os.Getenv("PATH"), "SSH="+ssh, "CONFIG="+b.config, "D="+strings.TrimSuffix(b.dir, "/"),
		fmt.Sprintf("SERVER=%d", b.server.Port), fmt.Sprintf("FREE=%d", port), "SSH_ASKPASS="+b.server.Path("askpass"),
		"PROMPTS="+filepath.Join(dir, "prompts"), "XDG_RUNTIME_DIR="+b.bin, "TERM=vt100")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v\n%s%s", script, err, out.String(), errs.String())
	}
	number := regexp.MustCompile(fmt.Sprintf(`\b%d\b`, port)) // and no part of curve25519
	same := func(text string) string {
		return number.ReplaceAllLiteralString(strings.ReplaceAll(text, dir, "$PWD"), "$FREE")
	}
	return outcome{cmd.ProcessState.ExitCode(), same(out.String()), reworded(same(errs.String())), b.tree(t, dir, same)}
}

// plainEnvironment is ours without what changes what ssh does.
func plainEnvironment() (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "DISPLAY", "WAYLAND_DISPLAY", "PATH", "TERM":
		default:
			env = append(env, v)
		}
	}
	return env
}

// outcome is what a command line did.
type outcome struct {
	status         int
	stdout, stderr string
	files          string // left in its directory, with their text
}

func (o outcome) String() string {
	return fmt.Sprintf("status %d\nstdout %q\nstderr %q\nfiles %q", o.status, o.stdout, o.stderr, o.files)
}

func (b *bench) tree(t *testing.T, dir string, same func(string) string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s: %s\n", strings.TrimPrefix(path, dir), reworded(same(string(text))))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// rewording takes one difference of words out of a text.
type rewording struct{ pattern, with, reason string }

// figures differ from one login to the next.
var figures = []rewording{
	{`(?m)^(Transferred|Bytes per second): .*\n`, "$1\n", "another login has other bytes"},
}

// wordings are where our words on standard error differ from ssh's, each with
// the reason.
var wordings = append([]rewording{
	{`(?m)^sallyport: .*\n|^  hint: .*\n`, "", "we explain in a sentence of our own what ssh's line leaves open"},
	{`(?m)^debug[123]: .*\n|^  #\d+ client-session .*\n\n`, "", "what -v shows of a dial is not the same dial"},
	{`(?m)^(OpenSSH_[^,]*, ).*\n`, "${1}PROGRAM\n", "the release is the same, and the program is named with its library"},
	{`(?s)usage: .*`, "USAGE\n", "so does the usage"},
	{`(?m)^bind \[.*\n`, "", "which address was in use is in our own sentence"},
	{`(?m)^kex_exchange_identification: .*\n`, "", "x/crypto/ssh does not say in which message the connection ended"},
	{`(?m)^channel \d+: open failed`, "channel: open failed", "ssh counts all that it has open, we the connections of a forward"},
	{`Allocated port \d+`, "Allocated port", "the server chooses it"},
	{`(?m)^No ED25519 host key is known for .*\n`, "", "said in our own sentence, with the fingerprint"},
	{`(?ms)^@@@@@.*?^Host key for .*?\n`, "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n", "ssh's alarm has many lines, ours one and the sentence"},
	{`ssh: Could not resolve hostname 127.0.0.1: .*\n`, "no address\n", "glibc's words for a family that a name does not have"},
	{`(?m)^Connection to 127.0.0.1 closed by remote host\.\n`, "", "ssh is silent where its own stdout has gone"},
	{`banner exchange: Connection to UNKNOWN port 65535: Broken pipe`, "Connection closed by UNKNOWN port 65535", "ssh says either of a jump that ends, as its banner was written before or after"},
	{`\(yes/no/\[fingerprint\]\)\? $`, "(yes/no/[fingerprint])?", "blanks at the end"},
}, figures...)

// reworded is a text without the listed differences, and without the CR by
// which ssh's log ends its lines: a terminal of -tt adds its own.
func reworded(text string) string { return rewordedBy(wordings, text) }

func rewordedBy(list []rewording, text string) string {
	text = strings.ReplaceAll(text, "\r", "")
	for _, w := range list {
		text = regexp.MustCompile(w.pattern).ReplaceAllString(text, w.with)
	}
	return text
}

// TestEachCommandLineDoesWhatSSHDoes runs command lines of all kinds through
// the real ssh and through us, and compares all that they leave behind.
func TestEachCommandLineDoesWhatSSHDoes(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	b := newBench(t)
	if n := len(commandLines); n < 150 {
		t.Errorf("%d command lines are fewer than 150", n)
	}
	t.Run("rows", func(t *testing.T) {
		for _, row := range commandLines {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				want := b.run(t, "ssh", row.script)
				if got := b.run(t, "sallyport ssh", row.script); got != want {
					t.Errorf("%s\n--- ssh\n%s\n--- sallyport ssh\n%s", row.script, want, got)
				}
			})
		}
	})
}

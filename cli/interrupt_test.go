//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sallyport/internal/sshtest"
)

// TestASignalEndsUsAsItEndsSSH sends signals to ssh and to us in each state:
// until there is a session they are the system's, then ssh heeds them itself.
func TestASignalEndsUsAsItEndsSSH(t *testing.T) {
	t.Parallel()
	// One that this process ignores, as under nohup, its children would ignore.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	b := newBench(t)
	connecting := []string{"-v", "-o", "ProxyCommand=sed d", "one"}
	for _, row := range []struct {
		state    string
		args     []string
		words    string // that come in this state
		terminal bool
		signals  []syscall.Signal
	}{
		{"while it connects", append(connecting, "true"), "Local version string", false, []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP}},
		{"while it connects for forwards", append(connecting, "-N"), "Local version string", false, []syscall.Signal{unix.SIGTERM}},
		{"before it leaves the terminal", append(connecting, "-f", "true"), "Local version string", false, []syscall.Signal{unix.SIGTERM}},
		{"while it asks", []string{"-o", "PubkeyAuthentication=no", "one", "true"}, "password: ", true, []syscall.Signal{unix.SIGTERM, unix.SIGINT}},
		{"during a local command", []string{"-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo begun; sleep 1", "one", "true"}, "begun", false, []syscall.Signal{unix.SIGTERM}},
		{"during a command", []string{"-o", "LogLevel=VERBOSE", "two", "echo begun; sleep 9"}, "begun", false, []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP}},
		{"during a command with a terminal", []string{"-tt", "one", "echo begun; sleep 9"}, "begun", true, []syscall.Signal{unix.SIGTERM}},
		{"during -W", []string{"-W", fmt.Sprintf("127.0.0.1:%d", b.server.Port), "one"}, "SSH-2.0-", false, []syscall.Signal{unix.SIGTERM, unix.SIGHUP}},
	} {
		for _, by := range row.signals {
			t.Run(row.state+" "+unix.SignalName(by), func(t *testing.T) {
				t.Parallel()
				want := b.interrupt(t, row.terminal, row.words, by, []string{sshtest.Program(t, "ssh")}, row.args...)
				if got := b.interrupt(t, row.terminal, row.words, by, []string{b.bin + "/sallyport", "ssh"}, row.args...); got != want {
					t.Errorf("--- ssh\n%s\n--- sallyport ssh\n%s", want, got)
				}
			})
		}
	}
}

// TestASignalEndsWhatHangs has the configuration be a pipe that nobody writes to:
// reading it takes for ever, whatever we mean to do.
func TestASignalEndsWhatHangs(t *testing.T) {
	t.Parallel()
	for _, often := range []bool{false, true} {
		t.Run(fmt.Sprintf("again and again %v", often), func(t *testing.T) {
			t.Parallel()
			pipe := filepath.Join(t.TempDir(), "config")
			if err := unix.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(product(t)+"/sallyport", "hosts", "-F", pipe)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
			defer guard.Stop()
			ended := make(chan struct{})
			go func() { // ends with the program
				defer close(ended)
				cmd.Wait()
			}()
			sshtest.Eventually(t, "it reads", func() bool {
				writer, err := os.OpenFile(pipe, os.O_WRONLY|unix.O_NONBLOCK, 0)
				if err == nil {
					t.Cleanup(func() { writer.Close() })
				}
				return err == nil
			})
			cmd.Process.Signal(unix.SIGTERM)
			sshtest.Eventually(t, "it ends", func() bool {
				if often {
					cmd.Process.Signal(unix.SIGTERM)
				}
				select {
				case <-ended:
					return true
				default:
					return false
				}
			})
			if got := cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != unix.SIGTERM {
				t.Errorf("it ended by %v", got)
			}
		})
	}
}

// interrupt sends a signal to a program once it has said words, and tells how
// that ended.
func (b *bench) interrupt(t *testing.T, terminal bool, words string, by syscall.Signal, program []string, args ...string) string {
	t.Helper()
	line := slices.Concat(program, []string{"-F", b.config}, args)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(plainEnvironment(), "TERM=vt100", "PATH="+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+b.bin)
	said, echoes := begin(t, cmd, terminal)
	guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer guard.Stop()
	var seen bytes.Buffer
	awaitWords(t, said, &seen, words)
	// A signal between ssh's question and its read is seen by neither
	// (readpassphrase.c).
	sshtest.Eventually(t, "it waits", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		return err != nil || strings.Contains(string(stat), ") S ")
	})
	if err := cmd.Process.Signal(by); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	rest, _ := io.ReadAll(said) // a terminal ends with an error
	_, after, _ := strings.Cut(seen.String()+string(rest), "\n")
	return fmt.Sprintf("%v, the terminal echoes: %v, it said %q", cmd.ProcessState, echoes(), reworded(after))
}

// begin starts a program on a terminal, or on pipes, of which the standard
// input stays open. echoes tells whether the terminal shows what is typed.
func begin(t *testing.T, cmd *exec.Cmd, terminal bool) (said *os.File, echoes func() bool) {
	t.Helper()
	if terminal {
		tty, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tty.Close() })
		return tty, func() bool {
			now, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			return err == nil && now.Lflag&unix.ECHO != 0
		}
	}
	said, mouth, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { said.Close() })
	cmd.Stdout, cmd.Stderr = mouth, mouth
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	mouth.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	return said, func() bool { return false }
}

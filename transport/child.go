package transport

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"sallyport/config"
)

const (
	stderrLimit = 2 << 10         // bytes of a program's last words that are kept
	termGrace   = 2 * time.Second // between asking a program to end and ending it
	deathGrace  = time.Second     // for a program that closed its output to end by itself, with its reason
)

// child is a program that a connection stands on: a ProxyCommand, or OpenSSH.
type child struct {
	process *exec.Cmd
	said    *tail         // on its standard error
	once    sync.Once     // guards the stopping
	ended   chan struct{} // closed when the process has ended, with all that it started
	exit    error         // of Wait, once ended is closed
}

// newChild prepares a program with the caller's environment and directory.
func newChild(env Env, program string, args ...string) *child {
	c := &child{process: exec.Command(program, args...), said: &tail{}, ended: make(chan struct{})}
	c.process.Env = append(Env{}, env...) // not nil, which would mean our own
	c.process.Dir = workingDirectory(env)
	c.process.Stderr = c.said
	c.process.WaitDelay = termGrace
	return c
}

// workingDirectory is where the caller was, so that a relative command finds
// what it would find there; ours if that is gone.
func workingDirectory(env Env) string {
	dir := env.Get("PWD")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// start starts the process in a way in which it ends with ours (own), and
// returns when it runs.
func (c *child) start(own func(*exec.Cmd)) error {
	own(c.process)
	began := make(chan error)
	go func() { // ends with the process, which stop ends
		// A death signal comes when the thread ends that started the process,
		// prctl(2): this one is kept.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.process.Start()
		began <- err
		if err != nil {
			return
		}
		c.exit = c.process.Wait()
		close(c.ended)
	}()
	return <-began
}

// stop ends the process and all that it started, which gets a moment to do so
// by itself. It does not wait.
func (c *child) stop() {
	c.once.Do(func() {
		hangUp(c.process)
		go func() { // ends with the process
			select {
			case <-c.ended:
			case <-time.After(termGrace):
				kill(c.process)
			}
		}()
	})
}

// death is why the program, called name, is no use: its end and its last
// words, waited for a moment.
func (c *child) death(name string) string {
	how := "ended its output"
	select {
	case <-c.ended:
		how = "ended"
		var exit *exec.ExitError
		if errors.As(c.exit, &exit) {
			how = "ended with " + exit.String()
		}
	case <-time.After(deathGrace):
	}
	if said := c.said.lastLine(); said != "" {
		return fmt.Sprintf("%s %s: %s", name, how, said)
	}
	return fmt.Sprintf("%s %s without a word", name, how)
}

// tail keeps the end of what is written to it.
type tail struct {
	heard func(text string) // told of each piece as it comes; nil for nobody

	mu   sync.Mutex // guards kept
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	if t.heard != nil {
		t.heard(string(p))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - stderrLimit; over > 0 {
		t.kept = append([]byte(nil), t.kept[over:]...)
	}
	return len(p), nil
}

// text is all that is kept.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}

// lastLine is the last line that is not empty, printable.
func (t *tail) lastLine() string {
	lines := strings.Split(t.text(), "\n")
	return config.Printable(strings.TrimSpace(lines[len(lines)-1]))
}

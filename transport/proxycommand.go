package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"sallyport/config"
)

const (
	stderrLimit = 2 << 10         // bytes of a ProxyCommand's last words that are kept
	termGrace   = 2 * time.Second // between asking a ProxyCommand to end and ending it
	deathGrace  = time.Second     // for a ProxyCommand that closed its output to end by itself, with its reason
)

// commandConn speaks through a ProxyCommand.
type commandConn struct {
	command string
	in, out *os.File // our ends: in is written to, out is read
	process *exec.Cmd
	stderr  *tail
	once    sync.Once     // guards the closing
	ended   chan struct{} // closed when the process has ended, with all that it started
	exit    error         // of Wait, once ended is closed
}

// startCommand runs a ProxyCommand as sshconnect.c ssh_proxy_connect does: by
// the user's shell, replaced by the command, with the caller's environment.
func startCommand(command string, env Env) (*commandConn, error) {
	shell := env.Get("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	c := &commandConn{command: command, stderr: &tail{}, ended: make(chan struct{})}
	c.process = exec.Command(shell, "-c", "exec "+command)
	c.process.Env = append(Env{}, env...) // not nil, which would mean our own
	c.process.Dir = workingDirectory(env)
	c.process.Stderr = c.stderr
	c.process.WaitDelay = termGrace
	ownGroup(c.process)
	if err := c.start(); err != nil {
		return nil, &Failure{
			Code:    CodeProxyCommand,
			Message: fmt.Sprintf("the ProxyCommand could not be started with %q: %v", shell, err),
			Hint:    "check SHELL",
		}
	}
	return c, nil
}

// start connects the pipes and starts the process.
func (c *commandConn) start() error {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		in.Close()
		return err
	}
	defer theirOut.Close()
	c.in, c.out = in, out
	c.process.Stdin, c.process.Stdout = theirIn, theirOut
	if err := c.process.Start(); err != nil {
		in.Close()
		out.Close()
		return err
	}
	go func() { // ends with the process, which Close ends
		c.exit = c.process.Wait()
		close(c.ended)
	}()
	return nil
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

func (c *commandConn) Read(p []byte) (int, error)  { return c.out.Read(p) }
func (c *commandConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// Close ends the command and all that it started, which gets a moment to do
// so by itself. It does not wait.
func (c *commandConn) Close() error {
	c.once.Do(func() {
		hangUp(c.process) // first, so that the command hears why its input ends
		c.in.Close()
		c.out.Close()
		go func() { // ends with the process
			select {
			case <-c.ended:
			case <-time.After(termGrace):
				kill(c.process)
			}
		}()
	})
	return nil
}

// death is why the command is no use: its end and its last words, waited for
// a moment.
func (c *commandConn) death() string {
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
	if said := c.stderr.lastLine(); said != "" {
		return fmt.Sprintf("the ProxyCommand %s: %s", how, said)
	}
	return fmt.Sprintf("the ProxyCommand %s without a word", how)
}

func (c *commandConn) LocalAddr() net.Addr              { return commandAddr(c.command) }
func (c *commandConn) RemoteAddr() net.Addr             { return commandAddr(c.command) }
func (c *commandConn) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (c *commandConn) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (c *commandConn) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// commandAddr stands where an address is wanted.
type commandAddr string

func (commandAddr) Network() string  { return "proxycommand" }
func (a commandAddr) String() string { return config.Printable(string(a)) }

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards kept
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - stderrLimit; over > 0 {
		t.kept = append([]byte(nil), t.kept[over:]...)
	}
	return len(p), nil
}

// lastLine is the last line that is not empty, printable.
func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.kept)), "\n")
	return config.Printable(strings.TrimSpace(lines[len(lines)-1]))
}

// refuseUnsupported names what a configuration asks for and what cannot be
// had, before anything is dialled.
func refuseUnsupported(h *config.Host) error {
	if h.Get("ProxyUseFdpass") == "yes" && h.ProxyCommand() != "" {
		return refusal(h, "ProxyUseFdpass", "ProxyUseFdpass is not supported: the ProxyCommand has to pass the bytes itself")
	}
	return nil
}

package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"sallyport/api"
	"sallyport/transport"
)

// startLimit is how long a background process may take until it answers.
const startLimit = 20 * time.Second

// Ensure brings up the background process if none answers, as a child of its
// own session, and waits until it answers. program is this executable; env is
// the environment it is started with.
func Ensure(ctx context.Context, d Dirs, program string, env transport.Env) error {
	if err := d.Prepare(); err != nil {
		return &api.Error{Code: api.CodeNoDaemon, Message: "the background process's directory is not safe: " + api.Printable(err.Error())}
	}
	if answers(ctx, d) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	ended, err := spawn(d, exec.Command(program, "daemon", "run"), env)
	if err != nil {
		return fmt.Errorf("starting the background process: %w", err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !answers(ctx, d) {
		select {
		case <-ctx.Done():
			return &api.Error{
				Code:    api.CodeNoDaemon,
				Message: fmt.Sprintf("the background process did not answer within %s", startLimit),
				Hints:   []string{"see " + d.Log()},
			}
		case words := <-ended:
			if answers(ctx, d) {
				return nil // another one was faster
			}
			return &api.Error{
				Code:    api.CodeNoDaemon,
				Message: "the background process ended at once: " + api.Printable(words),
				Hints:   []string{"sallyport daemon run"},
			}
		case <-tick.C:
		}
	}
	return nil
}

func answers(ctx context.Context, d Dirs) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", d.Socket())
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// spawn starts a background process detached; ended gets its last words if it
// ends while we watch. What it says on its standard error, a crash above all,
// goes to the log.
func spawn(d Dirs, cmd *exec.Cmd, env transport.Env) (ended <-chan string, err error) {
	log, err := os.OpenFile(d.Log(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		log.Close()
		return nil, err
	}
	cmd.Env = env
	cmd.Dir = "/"
	cmd.Stderr = log
	cmd.SysProcAttr = detached()
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	said := make(chan string, 1)
	go func() { // ends with the child, or with this process
		defer log.Close()
		how := "exit status 0"
		if err := cmd.Wait(); err != nil {
			how = err.Error()
		}
		text := make([]byte, 4096)
		n, _ := log.ReadAt(text, before) // what there is
		said <- strings.TrimSpace(strings.TrimSpace(string(text[:n])) + " (" + how + ")")
	}()
	return said, nil
}

package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
)

// A Go program cannot fork. So ssh -f starts itself again, as a child that
// logs in and asks what there is to ask, and waits until the child says, over
// a pipe, that it has logged in and its forwards are open; then the child
// leaves the terminal and the parent ends. A child that ends before that ends
// the parent with its status.

// backgroundEnv holds the descriptor of that pipe.
const backgroundEnv = "SALLYPORT_BACKGROUND"

// loggedIn is what the child writes.
const loggedIn = 'y'

// takeBackground is the pipe to the parent of ssh -f, nil for any other
// process. What is started later does not see it.
func takeBackground() *os.File {
	fd, err := strconv.Atoi(os.Getenv(backgroundEnv))
	if err != nil {
		return nil
	}
	os.Unsetenv(backgroundEnv)
	closeOnExec(fd)
	return os.NewFile(uintptr(fd), "parent")
}

// startInBackground runs the command line in a child and waits until it has
// logged in.
func (s *sshSession) startInBackground(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	wait, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer wait.Close()
	child := exec.Command(program, append([]string{"ssh"}, s.call.args...)...)
	child.Stdout, child.Stderr = s.Out, s.Err
	child.ExtraFiles = []*os.File{tell} // descriptor 3
	child.Env = append(os.Environ(), backgroundEnv+"=3")
	err = child.Start()
	tell.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { // it may have ended; it gives back the terminal
		var i signalled
		errors.As(context.Cause(ctx), &i)
		child.Process.Signal(i.by)
	})()
	if n, _ := wait.Read(make([]byte, 1)); n == 1 {
		return nil
	}
	err = child.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return status(exit.ExitCode())
	}
	if err == nil {
		return nil // it has handed over to another program
	}
	return status(ours)
}

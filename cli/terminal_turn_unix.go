//go:build linux || darwin || freebsd

package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// suspends tells that a program can be stopped and go on, and that its
// terminal has usual modes to go back to meanwhile.
const suspends = true

// stopMoment is how long a stop may take to take effect. A program whose group
// is orphaned is not stopped at all (setpgid(2)).
const stopMoment = 100 * time.Millisecond

// stopSelf stops this program as ^Z does, and returns when it goes on. The
// signal is taken by any thread, so it may come a moment after the call.
func stopSelf() {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	if unix.Kill(os.Getpid(), unix.SIGTSTP) != nil {
		return
	}
	select {
	case <-goesOn:
	case <-time.After(stopMoment):
	}
}

// askLine asks for one line with an echo, in the terminal's usual modes. ^C
// ends it as errDeclined, as does the end of the session.
func (t *terminal) askLine(out io.Writer, prompt string) (string, error) {
	before, err := unix.IoctlGetTermios(t.fd, getTermios)
	if err != nil {
		return "", os.NewSyscallError("tcgetattr", err)
	}
	asking := *before
	asking.Lflag |= unix.ICANON | unix.ECHO
	asking.Lflag &^= unix.ISIG // ^C must not end the session
	asking.Iflag |= unix.ICRNL
	asking.Cc[unix.VEOL] = before.Cc[unix.VINTR]
	if err := unix.IoctlSetTermios(t.fd, setTermios, &asking); err != nil {
		return "", os.NewSyscallError("tcsetattr", err)
	}
	defer unix.IoctlSetTermios(t.fd, setTermios, before) // nothing can be done about a failure
	fmt.Fprint(out, prompt)
	line := make([]byte, 4096)
	n, err := t.Read(line) // a whole line, by ICANON
	if err != nil {
		return "", errDeclined
	}
	if line[n-1] != '\n' {
		fmt.Fprintln(out)
		return "", errDeclined
	}
	return string(line[:n-1]), nil
}

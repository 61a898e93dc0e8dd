package mux_test

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"sallyport/internal/sshtest"
)

// ran is what a command line did.
type ran struct {
	Out, Err string
	Status   int
}

func run(t testing.TB, cmd *exec.Cmd) ran {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd, err)
	}
	return ran{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

func TestQuick(t *testing.T) {
	s := sshtest.StartServer(t)
	_, socket := serveMaster(t, s)
	real := s.StartMaster(t)
	for _, args := range [][]string{{"-O", "check", "x"}, {"x", "echo hi; exit 3"}, {"-tt", "x", "echo hi; tty; exit 4"}} {
		fmt.Printf("%+v\n", run(t, s.SSHOver(t, real.Socket, args...)))
		fmt.Printf("%+v\n", run(t, s.SSHOver(t, socket, args...)))
	}
}

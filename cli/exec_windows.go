package cli

import (
	"errors"
	"os"
	"os/exec"
)

// execute runs another program in our place: Windows has no exec(2).
func execute(program string, args, env []string) error {
	cmd := exec.Command(program, args[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return status(exit.ExitCode())
	}
	return err
}

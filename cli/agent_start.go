package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

const agentStartLong = `Starts an ssh-agent where none answers, and prints the lines by which a shell
finds it, as "ssh-agent -s" does:

  eval "$(sallyport agent start)"

In ~/.bashrc that starts one agent for all your shells: it listens at a fixed
place, and where it runs already, or another agent answers at SSH_AUTH_SOCK, only
the lines for that one are printed.

The agent keeps keys in memory, never on disk, until it ends, at the latest with
this machine. While it runs, every program of yours, and root, can use them, but
not read them. -t has it forget each key after a while.`

func (a *app) agentStart() *cobra.Command {
	var lifetime string
	var csh bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "start an ssh-agent where there is none",
		Long:  agentStartLong,
		Args:  cobra.NoArgs,
		RunE: a.withAgentStatus(func(ctx context.Context, _ []string) error {
			return a.startAgent(ctx, lifetime, csh)
		}),
	}
	cmd.Flags().StringVarP(&lifetime, "lifetime", "t", "", "forget each key after `TIME`, unless it is added with another")
	cmd.Flags().BoolVarP(&csh, "csh", "c", strings.HasSuffix(os.Getenv("SHELL"), "csh"), "print lines for csh (default if SHELL is one)")
	return cmd
}

func (a *app) startAgent(ctx context.Context, lifetime string, csh bool) error {
	dirs, err := a.dirs()
	if err != nil {
		return err
	}
	for _, socket := range []string{os.Getenv("SSH_AUTH_SOCK"), dirs.Agent()} {
		if program, answers := agentAnswers(ctx, socket); answers {
			if isTerminal(a.Out) { // a shell that starts wants no words
				fmt.Fprintf(a.Err, "sallyport: %s answers already at %s\n", program, api.Printable(socket))
			}
			return a.printAgent(socket, "", csh)
		}
	}
	if err := dirs.Prepare(); err != nil {
		return err
	}
	pid, err := runAgent(ctx, dirs.Agent(), lifetime)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Err, "sallyport: started an ssh-agent for all your shells")
	fmt.Fprintln(a.Err, "  it keeps keys in memory until it ends; while it runs your programs, and root, can use them")
	return a.printAgent(dirs.Agent(), pid, csh)
}

// runAgent starts an ssh-agent. What one that was killed has left in its place
// is taken away, but not an agent that another shell has just started there.
func runAgent(ctx context.Context, socket, lifetime string) (pid string, err error) {
	args := []string{"-s", "-a", socket}
	if lifetime != "" {
		args = append(args, "-t", lifetime)
	}
	said, err := exec.CommandContext(ctx, "ssh-agent", args...).Output()
	if _, answers := agentAnswers(ctx, socket); err != nil && !answers && os.Remove(socket) == nil {
		said, err = exec.CommandContext(ctx, "ssh-agent", args...).Output()
	} else if err != nil && answers {
		return "", nil
	}
	if err != nil {
		return "", agentNotStarted(err)
	}
	_, after, _ := strings.Cut(string(said), "SSH_AGENT_PID=")
	pid, _, ok := strings.Cut(after, ";")
	if !ok {
		return "", fmt.Errorf("ssh-agent said something that is not understood: %q", said)
	}
	return pid, nil
}

func agentNotStarted(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return &api.Error{Code: api.CodeNotFound, Message: "there is no program ssh-agent here", Hints: []string{"install OpenSSH's client, as by apt install openssh-client"}}
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return fmt.Errorf("ssh-agent did not start: %s", strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// agentAnswers tells whether an agent does, and its name.
func agentAnswers(ctx context.Context, socket string) (program string, ok bool) {
	if socket == "" {
		return "", false
	}
	agent, err := keys.DialAgent(ctx, socket)
	if err != nil {
		return "", false
	}
	defer agent.Close()
	if program = agent.Program(); program == "" {
		program = "an agent"
	}
	return program, true
}

// printAgent prints what a shell has to do to find the agent. The process is
// for "ssh-agent -k".
func (a *app) printAgent(socket, pid string, csh bool) error {
	set := func(name, value string) string {
		if csh {
			return fmt.Sprintf("setenv %s %s;\n", name, shellescape.Quote(value))
		}
		return fmt.Sprintf("%s=%s; export %[1]s;\n", name, shellescape.Quote(value))
	}
	lines := set("SSH_AUTH_SOCK", socket)
	if pid != "" {
		lines += set("SSH_AGENT_PID", pid)
	}
	_, err := fmt.Fprint(a.Out, lines)
	return err
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sallyport/keys"
)

func (a *app) agentLock(at *agentFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "lock",
		Short: "make an agent hide its keys until it is unlocked",
		Long: `Locks an agent with a passphrase, which is asked for twice: it shows no keys and
signs with none until "sallyport agent unlock".`,
		Args: cobra.NoArgs,
		RunE: a.withAgentStatus(func(ctx context.Context, _ []string) error {
			err := a.turnLock(ctx, at, (*keys.Agent).Lock, "Enter lock passphrase", "Again")
			if err == nil {
				fmt.Fprintln(a.Err, "sallyport: the agent is locked")
			}
			return err
		}),
	}
}

func (a *app) agentUnlock(at *agentFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "unlock",
		Short: "make a locked agent show its keys again",
		Args:  cobra.NoArgs,
		RunE: a.withAgentStatus(func(ctx context.Context, _ []string) error {
			err := a.turnLock(ctx, at, (*keys.Agent).Unlock, "Enter lock passphrase")
			if err == nil {
				fmt.Fprintln(a.Err, "sallyport: the agent is unlocked")
			}
			return err
		}),
	}
}

// turnLock asks for the passphrase as often as there are questions.
func (a *app) turnLock(ctx context.Context, at *agentFlags, turn func(*keys.Agent, []byte) error, questions ...string) error {
	agent, err := a.agentAt(ctx, at)
	if err != nil {
		return err
	}
	defer agent.Close()
	var passphrase []byte
	defer func() { clear(passphrase) }()
	for i, question := range questions {
		answer, err := askLine(ctx, question, false)
		switch {
		case err != nil:
			return unanswered(err, "SSH_ASKPASS names a program that asks, with SSH_ASKPASS_REQUIRE=force")
		case i > 0 && !bytes.Equal(answer, passphrase):
			clear(answer)
			return errors.New("the passphrases differ; the agent is as it was")
		}
		clear(passphrase)
		passphrase = answer
	}
	return turn(agent, passphrase)
}

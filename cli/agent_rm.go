package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

func (a *app) agentRemove(at *agentFlags) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "rm [--all | KEY...]",
		Short: "make an agent forget keys",
		Long: `Makes an agent forget keys, each with its certificates. KEY is the file of one, of
which the public half is enough, or its fingerprint or its comment as "sallyport
agent ls" shows them. The files stay.

The exit status is that of ssh-add: 0, 1 if a key was not removed, 2 if there is
no agent.`,
		Example: `  sallyport agent rm ~/.ssh/id_lab
  sallyport agent rm --all`,
		RunE: a.withAgentStatus(func(ctx context.Context, args []string) error {
			if all == (len(args) > 0) {
				return badUsage("name the keys to remove, or --all")
			}
			agent, err := a.agentAt(ctx, at)
			if err != nil {
				return err
			}
			defer agent.Close()
			if all {
				err := agent.RemoveAll()
				if err == nil {
					fmt.Fprintln(a.Err, "sallyport: the agent holds no keys any more")
				}
				return err
			}
			return a.forgetKeys(ctx, agent, args)
		}),
	}
	cmd.Flags().BoolVarP(&all, "all", "D", false, "remove all keys")
	return cmd
}

// forgetKeys goes on after a key that the agent does not hold.
func (a *app) forgetKeys(ctx context.Context, agent *keys.Agent, names []string) error {
	held, err := agent.Keys()
	if err != nil {
		return err
	}
	failed := false
	for _, name := range names {
		if err := a.forgetKey(ctx, agent, held, name); err != nil {
			explain(a.Err, err)
			failed = true
		}
	}
	if failed {
		return status(agentFailed)
	}
	return nil
}

func (a *app) forgetKey(ctx context.Context, agent *keys.Agent, held []*keys.Key, name string) error {
	file, _ := keys.Load(ctx, name, nil) // else it is a fingerprint or a comment
	found := false
	for _, k := range held {
		if file != nil && !keys.Equal(keys.Plain(k.Public), keys.Plain(file.Public)) || file == nil && k.Comment != name && keys.Fingerprint(k.Public) != name {
			continue
		}
		if err := agent.Remove(k.Public); err != nil {
			return err
		}
		found = true
		fmt.Fprintf(a.Err, "sallyport: removed %s %s (%s)\n", keys.Fingerprint(k.Public), api.Printable(k.Comment), keys.TypeName(k.Public))
	}
	if !found {
		return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("the agent holds no key %q", api.Printable(name)), Hints: []string{"sallyport agent ls"}}
	}
	return nil
}

package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
	"sallyport/transport"
)

const agentAddLong = `Gives private keys to an agent, with the certificate FILE-cert.pub beside one, in
any format, .ppk among them. Without FILE they are those that ssh looks for:
~/.ssh/id_rsa, id_ecdsa, id_ed25519 and their like. A passphrase is asked for on
the terminal, or by SSH_ASKPASS. A key that is in the agent already gets what is
now said of it.

--only keeps a key to destinations, by the host keys in your known_hosts, as
"ssh-add -h" does:
  --only HOST         to log in at HOST and at each jump host on the way
  --only jon@HOST     the same, and as jon only at HOST
  --only 'GATE>HOST'  to log in at HOST from GATE, with the agent forwarded there
It may be repeated. ssh-agent 8.9 or later, and an ssh that tells it where it is
going, are needed: Sallyport's own connections cannot, so such a key is for
"ssh" and what starts it.

With --json the keys that the agent took are printed as a list.

The exit status is that of ssh-add: 0, 1 if a key was not taken, 2 if there is
no agent.`

type agentAddFlags struct {
	lifetime string
	confirm  bool
	only     []string
	json     bool
}

func (a *app) agentAdd(at *agentFlags) *cobra.Command {
	var f agentAddFlags
	cmd := &cobra.Command{
		Use:   "add [FILE...]",
		Short: "give keys to an agent, for a while or for some hosts if you like",
		Long:  agentAddLong,
		Example: `  sallyport agent add -t 8h
  sallyport agent add --confirm --only targaryen ~/.ssh/id_lab`,
		RunE: a.withAgentStatus(func(ctx context.Context, args []string) error {
			return a.addKeys(ctx, at, f, args)
		}),
	}
	cmd.Flags().StringVarP(&f.lifetime, "lifetime", "t", "", "forget the key after `TIME`: seconds, or as 8h or 1h30m")
	cmd.Flags().BoolVarP(&f.confirm, "confirm", "c", false, "have the agent ask before each use")
	cmd.Flags().StringArrayVar(&f.only, "only", nil, "let the key log in at this `DESTINATION` only; may be repeated")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (a *app) addKeys(ctx context.Context, at *agentFlags, f agentAddFlags, paths []string) error {
	constraints, err := a.constraints(f)
	if err != nil {
		return err
	}
	agent, err := a.agentAt(ctx, at)
	if err != nil {
		return err
	}
	defer agent.Close()
	if len(paths) == 0 {
		if paths, err = defaultKeys(); err != nil {
			return err
		}
	}
	added := []*api.AddedKey{}
	for _, path := range paths {
		key, err := api.AddToAgent(ctx, agent, path, filePassphrase, constraints)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			explain(a.Err, unanswered(err, "SSH_ASKPASS names a program that asks, with SSH_ASKPASS_REQUIRE=force"))
			continue
		}
		key.Only = f.only
		added = append(added, key)
		if !f.json {
			a.tellAdded(key)
		}
	}
	if f.json {
		if err := printJSON(a.Out, added); err != nil {
			return err
		}
	}
	if len(added) < len(paths) {
		return status(agentFailed)
	}
	return nil
}

func (a *app) constraints(f agentAddFlags) (c keys.Constraints, err error) {
	c.Confirm = f.confirm
	if f.lifetime != "" {
		var ok bool
		if c.Lifetime, ok = config.ParseTime(f.lifetime); !ok {
			return c, badUsage("--lifetime wants a time such as 3600, 8h or 1h30m, and %q is not", api.Printable(f.lifetime))
		}
	}
	if len(f.only) == 0 {
		return c, nil
	}
	p, err := a.paths()
	if err != nil {
		return c, err
	}
	cfg := config.Load(p)
	for _, spec := range f.only {
		steps, err := transport.Destinations(cfg, spec)
		if err != nil {
			return c, err
		}
		c.Only = append(c.Only, steps...)
	}
	return c, nil
}

// defaultKeys are the files of ssh-add without arguments that are there.
func defaultKeys() ([]string, error) {
	p, err := config.DefaultPaths()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range []string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"} {
		path := filepath.Join(p.Home, ".ssh", name)
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return nil, &api.Error{Code: api.CodeNotFound, Message: "there is no key in ~/.ssh that ssh would look for", Hints: []string{"sallyport key new", "sallyport agent add FILE"}}
	}
	return found, nil
}

// tellAdded says what the agent now has, and does with it.
func (a *app) tellAdded(k *api.AddedKey) {
	fmt.Fprintf(a.Err, "sallyport: added %s (%s %s)\n", api.Printable(k.Path), k.Type, api.Printable(k.Comment))
	if k.Certificate != "" {
		fmt.Fprintf(a.Err, "  with the certificate %q\n", api.Printable(k.Certificate))
	}
	if k.Lifetime > 0 {
		fmt.Fprintf(a.Err, "  it is forgotten after %s\n", time.Duration(k.Lifetime)*time.Second)
	}
	if k.Confirm {
		fmt.Fprintln(a.Err, "  the agent asks before each use")
	}
	for _, only := range k.Only {
		fmt.Fprintf(a.Err, "  for %s only, by ssh itself: not on connections of Sallyport's own\n", api.Printable(only))
	}
}

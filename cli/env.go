package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/transport"
)

func (a *app) envCommand() *cobra.Command {
	var asJSON, write bool
	var flags editFlags
	cmd := &cobra.Command{
		Use:   "env HOST",
		Short: "print the options with which ssh uses the open connection to a host",
		Long: `Connect to a host, asking what has to be asked, and print the options with which
ssh, scp, sftp and their like use that connection and ask nothing again. The
configuration need not say anything about connection sharing. The socket is in a
directory that only you can reach, and goes with the connection.

With --write nothing is connected: the lines are written into the configuration
by which they need no options, and by which a connection that ssh has made is
used as well: ControlMaster, ControlPath and ControlPersist. What the host has of
these already it keeps. The diff is shown first, and you are asked.`,
		Example: `  ssh $(sallyport env targaryen) targaryen
  rsync -e "ssh $(sallyport env targaryen)" -a results targaryen:
  GIT_SSH_COMMAND="ssh $(sallyport env targaryen)" git clone targaryen:project
  sallyport env --write targaryen      from then on plain  ssh targaryen`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			if write {
				return a.writeSharing(cmd.Context(), flags, args[0])
			}
			c, target, err := a.clientFor(args[0])
			if err != nil {
				return err
			}
			link, err := a.connect(cmd.Context(), c, target)
			if err != nil {
				return err
			}
			served, err := c.Share(cmd.Context(), link.ID)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, served)
			}
			options, err := overSocket(served.Path)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.Out, options)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: the link, its host, the path of the socket, and who is attached")
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the lines by which ssh shares connections into the configuration")
	flags.register(cmd.Flags())
	return cmd
}

// writeSharing has the configuration say what the options would.
func (a *app) writeSharing(ctx context.Context, flags editFlags, host string) error {
	inv, err := a.inventory()
	if err != nil {
		return err
	}
	return a.change(ctx, flags, inv.Sharing(host))
}

// plainPath are the characters that neither a shell nor ssh reads as anything
// but themselves.
const plainPath = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+@:,="

// overSocket are options of ssh as words for a shell, unquoted, since they are
// mostly put where quotes would not be read. ControlMaster of the
// configuration may be yes, with which ssh attaches to nobody.
func overSocket(path string) (string, error) {
	if strings.Trim(path, plainPath) != "" {
		return "", &api.Error{
			Code:    api.CodeConfig,
			Message: fmt.Sprintf("the path of the socket, %q, has characters that a shell or ssh would take apart", path),
			Hints:   []string{"sallyport env --json prints it as it is"},
		}
	}
	return "-o ControlMaster=no -o ControlPath=" + path, nil
}

// connect brings a link up; meanwhile the questions of its hops are asked on
// the terminal.
func (a *app) connect(ctx context.Context, c *api.Client, target api.Target) (api.Link, error) {
	link, err := c.Open(ctx, target)
	if err != nil {
		return link, err
	}
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	asker := a.asker(c)
	var now api.Snapshot
	c.Follow(following, func(e api.Event) {
		now.Apply(e)
		asker.see(following, now, chain(now, link.ID))
		if link = linkOf(now, link); settled(link) {
			cancel()
		}
	})
	asker.wait()
	switch {
	case ctx.Err() != nil:
		return link, context.Cause(ctx)
	case link.State == api.LinkUp:
		return link, nil
	case asker.err != nil:
		return link, asker.err
	case link.State == api.LinkFailed:
		return link, link.Failure
	}
	return link, &api.Error{Code: transport.CodeCancelled, Message: "the connection to " + link.Host + " was closed before it could be used"}
}

// linkOf is what has become of a link; one that is not there is down.
func linkOf(now api.Snapshot, link api.Link) api.Link {
	for _, l := range now.Links {
		if l.ID == link.ID {
			return l
		}
	}
	link.State = api.LinkDown
	return link
}

// settled tells that nothing more will become of a link by itself.
func settled(l api.Link) bool {
	return l.State == api.LinkUp || l.State == api.LinkFailed || l.State == api.LinkDown
}

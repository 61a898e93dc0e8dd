package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sallyport/api"
)

func (a *app) portsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ports HOST",
		Short: "list the ports on which something listens on a host",
		Long: `List the TCP ports on which something listens on a host, your own first, with
the program where you may see it, and the service that it usually is.`,
		Example: `  sallyport ports targaryen
  sallyport tunnel add targaryen -L 6006:localhost:6006`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, target, err := a.clientFor(args[0])
			if err != nil {
				return err
			}
			out, err := a.look(cmd.Context(), c, target, api.ListenersScript)
			if err != nil {
				return err
			}
			list := api.ParseListeners(out)
			if asJSON {
				return printJSON(a.Out, append([]api.Listener{}, list...))
			}
			return printListeners(a.Out, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printListeners(w io.Writer, list []api.Listener) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range list {
		whose := "of others"
		if l.Own {
			whose = "yours"
		}
		program := l.Program
		if l.PID != 0 {
			program += fmt.Sprintf(" (pid %d)", l.PID)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\n", l.Port, l.Address, whose, l.Service, program)
	}
	return t.Flush()
}

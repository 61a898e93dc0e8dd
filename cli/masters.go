package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
)

func (a *app) mastersCommand() *cobra.Command {
	var asJSON, removeStale bool
	cmd := &cobra.Command{
		Use:   "masters",
		Short: "list the ControlMasters of ssh whose connections can be used",
		Long: `List who listens on the ControlPath of any host, and in the same folders on
those of hosts that the configuration does not name: an ssh that shares its
connection, with its process number and since when, or what one that has ended
has left behind. Each is asked, none is used.`,
		Example: `  sallyport masters
  sallyport masters --remove-stale
  sallyport ssh -O exit targaryen      end the master of a host`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			inv, err := a.inventory()
			if err != nil {
				return err
			}
			if err := a.named(inv); err != nil {
				return err
			}
			all := inv.Masters(cmd.Context())
			var kept error
			if removeStale {
				all, kept = removeStaleMasters(all)
			}
			if asJSON {
				return errors.Join(printJSON(a.Out, all), kept)
			}
			a.warn(inv)
			return errors.Join(printMasters(a.Out, all), kept)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&removeStale, "remove-stale", false, "remove the sockets that ended masters left, and list only these")
	return cmd
}

// removeStaleMasters gives those that were removed. What somebody has begun to
// listen on since, or belongs to another user, is kept; of each the error tells.
func removeStaleMasters(all []api.Master) (removed []api.Master, kept error) {
	removed = []api.Master{}
	var reasons []string
	var last *api.Error
	for _, m := range all {
		if m.State != api.MasterStale {
			continue
		}
		if err := api.RemoveStale(m.Path); err != nil {
			last = api.AsError(err)
			reasons = append(reasons, last.Message)
			continue
		}
		removed = append(removed, m)
	}
	if last != nil {
		kept = &api.Error{Code: last.Code, Message: strings.Join(reasons, "; "), Hints: last.Hints}
	}
	return removed, kept
}

func printMasters(w io.Writer, all []api.Master) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range all {
		state := string(m.State)
		switch m.State {
		case api.MasterAlive:
			state = "pid " + strconv.Itoa(m.PID)
		case api.MasterUnusable:
			state = m.Problem
		}
		hosts := make([]string, len(m.Hosts))
		for i, h := range m.Hosts {
			hosts[i] = api.Printable(h)
		}
		who := strings.Join(hosts, ",")
		if who == "" {
			who = "-"
		}
		fmt.Fprintf(t, "%s\t%s\tsince %s\t%s\n", who, state, m.Since.Format(time.DateTime), api.Printable(m.Path))
	}
	return t.Flush()
}

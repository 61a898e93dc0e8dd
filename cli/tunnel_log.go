package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
)

func (a *app) tunnelLog() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "log [HOST [FORWARD] | ID]",
		Short: "tell what happened to the tunnels that are on, and list their connections",
		Long: `Tell what happened to the tunnels that are on, and list their connections: those
that are open, and the last that have ended. Which program has opened one is
told on Linux, for programs of your own.`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			records, err := a.tunnelRecords(cmd.Context(), args)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, records)
			}
			for i, r := range records {
				if i > 0 {
					fmt.Fprintln(a.Out)
				}
				if err := printRecord(a.Out, r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tunnelRecords are those of the tunnels that args name.
func (a *app) tunnelRecords(ctx context.Context, args []string) ([]api.TunnelRecord, error) {
	c, s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	a.tellOfRecord(s)
	records := []api.TunnelRecord{}
	for _, t := range s.Tunnels {
		if !meant(t, args) {
			continue
		}
		r, err := c.Tunnel(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	if len(records) == 0 && len(args) > 0 {
		return nil, noForward(args[0], strings.Join(args[1:], ""), "is on")
	}
	return records, nil
}

// meant tells whether a person who wrote these arguments means the tunnel: all
// there are, one by its ID, or those of a host.
func meant(t api.Tunnel, args []string) bool {
	switch len(args) {
	case 0:
		return true
	case 1:
		return t.ID == args[0] || t.Host == args[0]
	}
	return t.Host == args[0] && names(t.Spec, args[1])
}

func printRecord(w io.Writer, r api.TunnelRecord) error {
	fmt.Fprintf(w, "%s  %s  %s  %s\n", api.Printable(r.Status.Host), r.Status.Spec, tunnelState(r.Status), r.Status.ID)
	for _, e := range r.Log {
		fmt.Fprintf(w, "  %s  %s\n", e.Time.Local().Format(time.DateTime), happened(e))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range r.Connections {
		fmt.Fprintf(t, "  #%d\t%s\t%s\t%s\t%d B sent\t%d B received\t%s\n",
			c.Number, c.Since.Local().Format(time.DateTime), opener(c), c.Target, c.Sent, c.Received, lasted(c))
	}
	return t.Flush()
}

// happened is an entry in one line.
func happened(e api.TunnelEntry) string {
	parts := []string{string(e.State), e.Message, e.Hint}
	if e.Times > 1 {
		parts = append(parts, fmt.Sprintf("%d times", e.Times))
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "  ")
}

// opener is who has opened a connection, as far as that is known.
func opener(c api.TunnelConnection) string {
	if c.PID == 0 {
		return cmp.Or(c.Client, "-")
	}
	return fmt.Sprintf("%s (pid %d)", c.Process, c.PID)
}

// lasted is how long a connection took, and how it ended.
func lasted(c api.TunnelConnection) string {
	switch {
	case c.Ended.IsZero():
		return "open"
	case c.Failure != nil:
		return c.Failure.Message
	}
	return c.Ended.Sub(c.Since).Round(time.Millisecond).String()
}

func (a *app) tunnelWatch() *cobra.Command {
	return &cobra.Command{
		Use:   "watch [HOST [FORWARD] | ID]",
		Short: "print a tunnel as JSON, one line each time that something of it changes",
		Long: `Print tunnels as JSON: first one line for each that is on, then a line each time
that something of one changes, its counters at most four times a second. One
that was switched off is printed for a last time, with the state "closed". It
goes on until it is interrupted, also while no background process runs.`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.watchTunnels(cmd.Context(), args)
		},
	}
}

// watchTunnels prints each change until ctx ends or nobody reads any more.
func (a *app) watchTunnels(ctx context.Context, args []string) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := tunnelWatch{args: args, lines: json.NewEncoder(a.Out), seen: map[string]api.Tunnel{}}
	c.Follow(ctx, func(e api.Event) {
		if err = w.see(e); err != nil {
			cancel()
		}
	})
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}

// tunnelWatch prints the tunnels that args name.
type tunnelWatch struct {
	args  []string
	lines *json.Encoder
	seen  map[string]api.Tunnel // by ID
}

func (w *tunnelWatch) see(e api.Event) error {
	switch {
	case e.Snapshot != nil:
		return w.seeAll(e.Snapshot.Tunnels)
	case e.Tunnel != nil:
		return w.print(*e.Tunnel)
	case e.TunnelGone != "":
		return w.gone(e.TunnelGone)
	}
	return nil
}

// seeAll begins anew, with another process perhaps.
func (w *tunnelWatch) seeAll(now []api.Tunnel) error {
	for _, id := range slices.Sorted(maps.Keys(w.seen)) {
		if slices.ContainsFunc(now, func(t api.Tunnel) bool { return t.ID == id }) {
			continue
		}
		if err := w.gone(id); err != nil {
			return err
		}
	}
	for _, t := range now {
		if err := w.print(t); err != nil {
			return err
		}
	}
	return nil
}

func (w *tunnelWatch) gone(id string) error {
	last, ok := w.seen[id]
	delete(w.seen, id)
	if !ok || last.State == api.TunnelClosed {
		return nil // that was its last line
	}
	last.State, last.Since, last.Open = api.TunnelClosed, time.Now(), 0
	return w.lines.Encode(last)
}

func (w *tunnelWatch) print(t api.Tunnel) error {
	if !meant(t, w.args) {
		return nil
	}
	w.seen[t.ID] = t
	return w.lines.Encode(t)
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
)

func (a *app) tunnelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tunnel",
		Short: "switch the port forwards of hosts on and off",
		Long: `Port forwards run in the background process and stay when this program ends.
They are those that ~/.ssh/config gives a host (LocalForward, RemoteForward,
DynamicForward), and those that "add" adds.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(a.tunnelList(), a.tunnelUpCommand(), a.tunnelDownCommand(), a.tunnelAdd(), a.tunnelRemove(), a.tunnelLog(), a.tunnelWatch())
	return cmd
}

func (a *app) tunnelList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list the tunnels that are on",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, s, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			a.tellOfRecord(s)
			if asJSON {
				return printJSON(a.Out, append([]api.Tunnel{}, s.Tunnels...))
			}
			return printTunnels(a.Out, s.Tunnels)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tellOfRecord says that there are tunnels which come back with the background
// process, where none runs: after a crash and after a restart of the computer
// nothing is open, and yet they were not switched off.
func (a *app) tellOfRecord(s api.Snapshot) {
	if s.Daemon.PID == 0 && a.hasRecord() {
		explain(a.Err, &api.Error{
			Message: "the background process does not run; the tunnels that were on come back with it",
			Hints:   []string{"start it: sallyport", "have it started at login: sallyport daemon install"},
		})
	}
}

func printTunnels(w io.Writer, list []api.Tunnel) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range list {
		why := ""
		if f := cmp.Or(s.Failure, s.LastError); f != nil {
			why = f.Message
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d open\t%d B sent\t%d B received\t%s\n",
			api.Printable(s.Host), s.Spec, tunnelState(s), s.Open, s.Sent, s.Received, why)
	}
	return t.Flush()
}

// tunnelState is the state in words, with the port that nobody here has chosen.
func tunnelState(t api.Tunnel) string {
	if t.Allocated != 0 {
		return fmt.Sprintf("%s on port %d there", t.State, t.Allocated)
	}
	return string(t.State)
}

func (a *app) tunnelDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "down HOST [FORWARD]",
		Short:             "close tunnels of a host; without FORWARD, all of them",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.tunnelDown(cmd.Context(), args[0], strings.Join(args[1:], ""))
		},
	}
}

func (a *app) tunnelUpCommand() *cobra.Command {
	var wait patience
	cmd := &cobra.Command{
		Use:   "up HOST [FORWARD]",
		Short: "open forwards of a host; without FORWARD, all that its configuration has",
		Long: `Open forwards of a host; without FORWARD, all that its configuration has.

Exit status: 0 if each of them carries traffic, 255 if one does not. A host that
cannot be reached and a port that another program has are told at once, and
tried again in the background; --wait stays until that has led to something,
which --wait=30s bounds. A login that was refused is not tried again.`,
		Example: `  sallyport tunnel up targaryen 8080
  sallyport tunnel up targaryen --wait=1m && xdg-open http://localhost:8080`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			until := decided
			if cmd.Flags().Changed("wait") {
				until = final
			}
			return a.tunnelUp(cmd.Context(), args[0], strings.Join(args[1:], ""), until, wait)
		},
	}
	cmd.Flags().Var(&wait, "wait", "wait until they carry traffic, at most for a `TIME` such as 30s")
	cmd.Flags().Lookup("wait").NoOptDefVal = forever
	return cmd
}

// patience is the flag of a time to wait; 0 is without a limit.
type patience time.Duration

// forever is what --wait alone means.
const forever = "forever"

// Set implements pflag.Value.
func (p *patience) Set(text string) error {
	if text == forever {
		*p = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("a time to wait is longer than nothing")
	}
	*p = patience(d)
	return err
}

// String implements pflag.Value: nothing is waited for unless it is set.
func (p *patience) String() string { return "" }

// Type implements pflag.Value.
func (p *patience) Type() string { return "time" }

// bound is ctx for as long as somebody waits from now on.
func (p patience) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if p == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, time.Duration(p), errWaited)
}

// errWaited ends a wait that was bounded.
var errWaited = &api.Error{Code: "waited", Message: "the tunnel does not carry traffic yet; it is tried again in the background", Hints: []string{"sallyport tunnel log"}}

// tunnelUp opens the forwards that the configuration has for a host, and
// follows each until something is decided.
func (a *app) tunnelUp(ctx context.Context, host, want string, until decision, wait patience) error {
	inv, err := a.inventory()
	if err != nil {
		return err
	}
	detail := inv.Detail(host)
	if detail.Host.Problem != "" {
		return &api.Error{Code: api.CodeConfig, Message: detail.Host.Problem}
	}
	var specs []api.TunnelSpec
	for _, f := range detail.Forwards {
		if f.Problem != "" {
			return &api.Error{Code: api.CodeConfig, Message: f.Problem}
		}
		if names(f.Spec, want) {
			specs = append(specs, f.Spec)
		}
	}
	if len(specs) == 0 {
		return noForward(host, want, "its configuration has")
	}
	return a.openTunnels(ctx, host, specs, until, wait)
}

// openTunnels opens forwards of a host and waits until it is decided what
// becomes of each, asking on the terminal what has to be asked. The wait begins
// once all were asked for: what is said of its end is true then.
func (a *app) openTunnels(ctx context.Context, host string, specs []api.TunnelSpec, until decision, wait patience) error {
	c, target, err := a.clientFor(host)
	if err != nil {
		return err
	}
	failed, asked := false, time.Now()
	var opened []api.Tunnel
	for _, spec := range specs {
		t, err := c.SetTunnel(ctx, api.TunnelRequest{Target: target, Spec: spec, Up: true})
		if err != nil {
			explain(a.Err, err) // the others may well be possible
			failed = true
			continue
		}
		opened = append(opened, t)
	}
	ctx, enough := wait.bound(ctx)
	defer enough()
	for _, t := range opened {
		if t, err = a.settle(ctx, c, t, asked, until); err != nil {
			return err
		}
		fmt.Fprintf(a.Err, "%s  %s  %s\n", api.Printable(host), t.Spec, tunnelState(t))
		if t.State != api.TunnelUp && t.Failure != nil {
			explain(a.Err, t.Failure)
			failed = true
		}
	}
	if failed {
		return status(ours)
	}
	return nil
}

// settle follows a tunnel that was asked for until something is decided.
func (a *app) settle(ctx context.Context, c *api.Client, s api.Tunnel, asked time.Time, until decision) (api.Tunnel, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asker := a.asker(c)
	defer asker.wait()
	var now api.Snapshot
	settled := false
	c.Follow(ctx, func(e api.Event) {
		now.Apply(e)
		for _, t := range now.Tunnels {
			if t.ID != s.ID {
				continue
			}
			s = t
			asker.see(ctx, now, chain(now, t.Link))
			if settled = until(t, asked); settled {
				cancel()
			}
		}
	})
	if !settled {
		return s, context.Cause(ctx)
	}
	return s, nil
}

// decision tells that a tunnel need not be followed any longer.
type decision func(t api.Tunnel, asked time.Time) bool

// final tells that a tunnel carries traffic, or will not by itself.
func final(t api.Tunnel, asked time.Time) bool {
	return t.State == api.TunnelUp || t.State == api.TunnelFailed && decided(t, asked)
}

// decided tells that a tunnel carries traffic, or why it does not for now. A
// failure from before it was asked for does not count: it is being tried.
func decided(t api.Tunnel, asked time.Time) bool {
	switch t.State {
	case api.TunnelUp, api.TunnelBusy:
		return true
	case api.TunnelFailed, api.TunnelWaiting: // the latter is tried again in the background
		return t.Failure != nil && (t.Failure.At.IsZero() || t.Failure.At.After(asked))
	}
	return false
}

// chain are the IDs of a link and of those it stands on.
func chain(s api.Snapshot, id string) []string {
	for _, l := range s.Links {
		if l.ID == id {
			return append(chain(s, l.Via), id)
		}
	}
	return nil
}

func (a *app) tunnelDown(ctx context.Context, host, want string) error {
	c, target, err := a.clientFor(host)
	if err != nil {
		return err
	}
	if a.hasRecord() {
		// They would come back with the next background process, which alone
		// may take them off its record.
		if err := c.Start(ctx); err != nil {
			return err
		}
	}
	s, err := c.Snapshot(ctx)
	if err != nil {
		return err
	}
	closed := 0
	for _, t := range s.Tunnels {
		if t.Host != host || t.Config != target.Config || !names(t.Spec, want) && want != fmt.Sprint(t.Allocated) {
			continue
		}
		if _, err := c.SetTunnel(ctx, api.TunnelRequest{Target: target, Spec: t.Spec}); err != nil {
			return err
		}
		closed++
	}
	if closed == 0 {
		return noForward(host, want, "is on")
	}
	return nil
}

// names tells whether a person who wrote want means the forward: all of it,
// its listening end or its port.
func names(s api.TunnelSpec, want string) bool {
	if want == "" {
		return true
	}
	whole := s.String()
	_, ends, _ := strings.Cut(whole, " ")
	return want == whole || want == ends || want == s.Listen.String() || want == fmt.Sprint(s.Listen.Port)
}

func noForward(host, want, where string) error {
	message := fmt.Sprintf("no forward of %s %s", api.Printable(host), where)
	if want != "" {
		message = fmt.Sprintf("no forward %q of %s %s", want, api.Printable(host), where)
	}
	return &api.Error{
		Code:    api.CodeNotFound,
		Message: message,
		Hints:   []string{"sallyport tunnel ls"},
	}
}

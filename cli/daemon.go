package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/daemon"
	"sallyport/internal/start"
)

func (a *app) daemonCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "look at the background process, replace or stop it, have it started at login",
		Long: `The background process holds connections and port forwards. It starts by itself
when something needs it, belongs to you alone, and ends after ten minutes with
nothing to do.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(a.daemonStatus(), a.daemonStop(), a.daemonRestart(), a.daemonInstall(), a.daemonUninstall(), a.daemonRun())
	return cmd
}

func (a *app) daemonStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "tell whether it runs, and what it holds; exit status 3 when it does not run",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, s, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(a.Out, s.Daemon)
			} else {
				err = a.printDaemon(s, c.Socket)
			}
			if err == nil && s.Daemon.PID == 0 {
				a.tellOfRecord(s)
				return notRunning
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// notRunning is the exit status of a service that is not running (LSB).
const notRunning = status(3)

func (a *app) printDaemon(s api.Snapshot, socket string) error {
	if s.Daemon.PID == 0 {
		_, err := fmt.Fprintln(a.Out, "not running")
		return err
	}
	up := 0
	for _, l := range s.Links {
		if l.State == api.LinkUp {
			up++
		}
	}
	if s.Daemon.Version != version() {
		fmt.Fprintf(a.Err, "sallyport: this is version %s; to have it take over: sallyport daemon restart\n", version())
	}
	_, err := fmt.Fprintf(a.Out, "running   pid %d, version %s, since %s\nsocket    %s\nholds     %d connections, %d tunnels, %d sessions\n",
		s.Daemon.PID, s.Daemon.Version, s.Daemon.Started.Format(time.DateTime), socket, up, len(s.Tunnels), len(s.Sessions))
	return err
}

func (a *app) daemonStop() *cobra.Command {
	endShells := false
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "end it; tunnels that are on come back with the next one, shells do not",
		Long: `End the background process. Tunnels that are on come back with the next one,
shells do not: on a terminal it names those that are open, and asks.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !endShells {
				if err := a.mayEndShells(cmd.Context()); err != nil {
					return err
				}
			}
			return a.stopDaemon(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&endShells, "end-shells", false, "also while shells are open, unasked")
	return cmd
}

// mayEndShells asks the person at a terminal whether the shells that are open
// may end. Whoever has no terminal has decided.
func (a *app) mayEndShells(ctx context.Context) error {
	if _, ok := openTerminal(); !ok {
		return nil
	}
	_, now, err := a.snapshot(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range kept(now) {
		if s.State == api.SessionRunning {
			names = append(names, strconv.Quote(api.Printable(s.Name)))
		}
	}
	if len(names) == 0 {
		return nil
	}
	what := "The shell " + names[0] + " ends"
	if len(names) > 1 {
		what = fmt.Sprintf("%d shells end (%s)", len(names), strings.Join(names, ", "))
	}
	return a.agrees(ctx, what+" with the background process. Stop it?", "sallyport daemon stop --end-shells")
}

// stopDaemon ends the background process, if there is one, and waits for that.
func (a *app) stopDaemon(ctx context.Context) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	d, err := a.dirs()
	if err != nil {
		return err
	}
	ended, err := c.Stop(ctx)
	if err != nil && !api.IsNoDaemon(err) {
		return err
	}
	return daemon.Stopped(ctx, d, func() bool { return c.Succeeded(ctx, ended) })
}

func (a *app) daemonRestart() *cobra.Command {
	var request api.RestartRequest
	cmd := &cobra.Command{
		Use:   "restart",
		Short: "have this version take over from the one that runs",
		Long: `Start the background process anew, as after an upgrade: tunnels keep their ports,
which refuse nobody meanwhile. Connections through them stay with the old process
until they end. What the far side listens for (RemoteForward) it is asked for
anew, and connections through that end.

Shells cannot be handed over. While there are any the process is not replaced;
with --end-shells it is: those that nobody looks at end, and the others when they
are left.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.restartDaemon(cmd.Context(), request)
		},
	}
	cmd.Flags().BoolVar(&request.EndShells, "end-shells", false, "also while shells are open")
	return cmd
}

func (a *app) restartDaemon(ctx context.Context, request api.RestartRequest) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	if request.Program, err = os.Executable(); err != nil {
		return err
	}
	err = c.Restart(ctx, request)
	if err != nil && (api.IsNoDaemon(err) || api.AsError(err).Code == api.CodeEnded) { // one that was killed answers nobody for a moment before it is gone
		return c.Start(ctx)
	}
	return err
}

func (a *app) daemonRun() *cobra.Command {
	takeOver := false
	cmd := &cobra.Command{
		Use:   "run",
		Short: "be the background process (it starts by itself when it is needed)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			start.One()
			if !takeOver {
				return a.runDaemon(cmd.Context(), nil)
			}
			return a.runDaemon(cmd.Context(), os.NewFile(daemon.SuccessorFD, "predecessor"))
		},
	}
	cmd.Flags().BoolVar(&takeOver, "take-over", false, "take over from the process that has started this one")
	_ = cmd.Flags().MarkHidden("take-over") // it exists
	return cmd
}

// runDaemon is the background process; predecessor is the socket to the one
// that it takes over from, nil if there is none.
func (a *app) runDaemon(ctx context.Context, predecessor *os.File) error {
	d, err := a.dirs()
	if err != nil {
		return err
	}
	log, err := d.OpenLog()
	if err != nil {
		return err
	}
	defer log.Close()
	err = daemon.Run(ctx, daemon.Options{
		Dirs:    d,
		Version: version(),
		Env:     os.Environ(),
		Log:     slog.New(slog.NewTextHandler(log, nil)),
		Rested:  start.Unmap,

		Processors:  start.Processors,
		Predecessor: predecessor,
	})
	if errors.Is(err, daemon.ErrRunning) {
		return &api.Error{Code: "running", Message: err.Error(), Hints: []string{"sallyport daemon status"}}
	}
	return err
}

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
)

func (a *app) attachCommand() *cobra.Command {
	var readOnly bool
	cmd := &cobra.Command{
		Use:   "attach [NAME]",
		Short: "come back to a shell that was left running",
		Long: `Come back to a shell that was left: by ~d, by closing its window, or because the
program in front ended. Its screen is shown as it is, at this window's size, and
what has scrolled off it is in this window's own history. Several windows may show
a shell; it has the size of the smallest. Without a NAME it is the one that was
used last. A shell that has ended meanwhile shows its last screen.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeSessions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.attachTo(cmd.Context(), append(args, "")[0], readOnly)
		},
	}
	cmd.Flags().BoolVarP(&readOnly, "read-only", "r", false, "only look: type nothing, and leave the size alone")
	return cmd
}

func (a *app) attachTo(ctx context.Context, name string, readOnly bool) error {
	term, ok := openTerminal()
	if !ok {
		return &api.Error{Code: api.CodeBadRequest, Message: "a shell can be shown on a terminal only", Hints: []string{"sallyport sessions"}}
	}
	c, now, err := a.snapshot(ctx)
	if err != nil {
		return err
	}
	s, err := shellNamed(kept(now), name)
	if err != nil {
		return err
	}
	view := viewer()
	view.Size, view.ReadOnly = term.size(), readOnly
	t, err := c.View(ctx, s, view)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := t.Ready(ctx); err != nil {
		return err
	}
	p, err := a.paths()
	if err == nil && p.User != s.Config {
		p, err = config.File(s.Config)
	}
	if err != nil {
		return err
	}
	h, _ := config.Load(p).Resolve(s.Host, config.Match{}) // what is wrong was said when the session started
	a.sayLogged(s.Recorded)
	exit, err := a.viewShared(ctx, c, target(p, s.Host), t, h)
	err = a.finish(t, exit, err)
	a.sayKept(err, target(p, s.Host), s.KeptAs)
	a.sayLost(t, exit, target(p, s.Host), api.SessionSpec{Command: s.Command, KeptAs: s.KeptAs})
	return err
}

// kept are the sessions that outlive their viewers.
func kept(now api.Snapshot) []api.Session {
	return slices.DeleteFunc(now.Sessions, func(s api.Session) bool { return !s.Kept() })
}

// shellNamed is the session of a name or an ID; of no name, the one that nobody
// looks at and that wrote last.
func shellNamed(all []api.Session, name string) (api.Session, error) {
	if name != "" {
		for _, s := range all {
			if s.Name == name || s.ID == name {
				return s, nil
			}
		}
		return api.Session{}, &api.Error{
			Code: api.CodeNotFound, Message: fmt.Sprintf("there is no shell called %q", api.Printable(name)),
			Hints: []string{"sallyport sessions"},
		}
	}
	if len(all) == 0 {
		return api.Session{}, &api.Error{Code: api.CodeNotFound, Message: "no shell was left running", Hints: []string{"sallyport HOST"}}
	}
	return slices.MaxFunc(all, func(s, t api.Session) int {
		return cmp.Or(-cmp.Compare(rank(s), rank(t)), s.Output.Compare(t.Output))
	}), nil
}

// rank orders sessions by how much somebody may want to come back to them.
func rank(s api.Session) int {
	switch {
	case s.State == api.SessionEnded:
		return 2
	case len(s.Viewers) > 0:
		return 1
	}
	return 0
}

func (a *app) sessionsCommand() *cobra.Command {
	var asJSON bool
	var host string
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "list the shells that are open, and who looks at them",
		Long: `List the shells that are open here, and who looks at them; with --remote, those
that wait on a host in its tmux, screen, abduco or dtach, whoever has begun them.`,
		Example: `  sallyport sessions
  sallyport sessions --remote targaryen
  sallyport targaryen --keep=paper`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("remote") {
				return a.listKept(cmd.Context(), host, asJSON)
			}
			_, now, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			all := kept(now)
			if asJSON {
				return printJSON(a.Out, append([]api.Session{}, all...))
			}
			return a.printSessions(all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&host, "remote", "", "list the shells that are kept on `HOST`")
	_ = cmd.RegisterFlagCompletionFunc("remote", a.completeHosts) // the flag is there
	cmd.AddCommand(&cobra.Command{
		Use:               "close NAME",
		Short:             "end a shell, or dismiss the last screen of one that has ended",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeSessions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, now, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			s, err := shellNamed(kept(now), args[0])
			if err != nil {
				return err
			}
			return c.EndSession(cmd.Context(), s.ID)
		},
	})
	return cmd
}

func (a *app) printSessions(all []api.Session) error {
	if len(all) == 0 {
		fmt.Fprintln(a.Err, "sallyport: no shell is open")
		return nil
	}
	t := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	for _, s := range all {
		wrote := "-"
		if !s.Output.IsZero() {
			wrote = s.Output.Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\tsince %s\tlast output %s\t%s\n", api.Printable(s.Name), state(s), s.Since.Format(time.DateTime), wrote, about(s)+logged(s))
	}
	return t.Flush()
}

// state is what a shell does, and who looks at it.
func state(s api.Session) string {
	switch {
	case s.State != api.SessionRunning:
		return string(s.State)
	case s.Left():
		return "detached"
	}
	return "shown on " + s.ShownOn()
}

// about is the command that runs, or what it calls its window, or how it
// ended.
func about(s api.Session) string {
	switch {
	case s.Waits():
		return "✗ " + s.Exit.Failure.Message + "; to come back: " + api.RejoinCommand(api.Target{Host: s.Host}, *s.KeptAs)
	case s.Exit != nil && s.Exit.Failure != nil:
		return "✗ " + s.Exit.Failure.Message
	case s.Exit != nil:
		return fmt.Sprintf("exit status %d", s.Exit.Status)
	case s.KeptAs != nil:
		return strings.TrimSpace(s.Title + "  kept by " + s.KeptAs.Keeper + " as " + api.Printable(s.KeptAs.Name))
	case s.Title != "":
		return s.Title
	}
	return s.Command
}

// logged is the mark of a shell whose output goes to a file.
func logged(s api.Session) string {
	switch to := s.Recorded; {
	case to == nil:
		return ""
	case to.Failure != "":
		return "  ✗ log " + to.Path + ": " + to.Failure
	default:
		return "  ● log " + to.Path
	}
}

// completeSessions completes the name of a shell.
func (a *app) completeSessions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	_, now, err := a.snapshot(cmd.Context())
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, s := range kept(now) {
		if api.Printable(s.Name) == s.Name {
			names = append(names, s.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

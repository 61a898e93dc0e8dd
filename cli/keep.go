package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"sallyport/api"
	"sallyport/config"
	"sallyport/sessions"
)

// keep makes a request one for a shell of a name that goes on on its host when
// the connection is gone. A script says what is there to keep it.
func (a *app) keep(ctx context.Context, c *api.Client, r *api.SessionRequest, name string) error {
	if err := api.CheckKeptName(name); err != nil {
		return err
	}
	switch {
	case r.Spec.Command != "":
		return &api.Error{Code: api.CodeBadRequest, Message: "--keep opens a shell, and a command was given, too", Hints: []string{"leave the command out, and type it in the shell"}}
	case !r.Spec.PTY || r.TTY == "no":
		return &api.Error{Code: api.CodeBadRequest, Message: "a shell can be kept for a terminal only", Hints: []string{"sallyport sessions --remote " + api.Printable(r.Target.Host)}}
	}
	if err := a.mayKeep(r.Target); err != nil {
		return err
	}
	k, err := a.keepers(ctx, c, r.Target)
	if err != nil {
		return err
	}
	return r.KeepOn(k, name)
}

// mayKeep refuses a host that is configured to run something else than a shell,
// as ssh refuses a command beside a RemoteCommand (check in config/host.go).
func (a *app) mayKeep(t api.Target) error {
	p, err := a.paths()
	if err != nil {
		return err
	}
	h, _ := config.Load(p).Resolve(t.Host, config.Match{User: t.User, Port: t.Port, Execute: true}) // what is wrong is said when the session starts
	usual := sessions.Configured(h, api.SessionSpec{}, "")
	keyword := "RemoteCommand"
	switch {
	case usual.Kind != sessions.Program:
		keyword = "SessionType"
	case usual.Command == "":
		return nil
	}
	at, _ := h.IsSet(keyword)
	return &api.Error{
		Code:    api.CodeConfig,
		Message: fmt.Sprintf("no shell is kept on %s: %s sets %s, and nothing else is run beside it", api.Printable(t.Host), api.Printable(at.String()), keyword),
		Hints:   []string{"what it is configured for: sallyport " + api.Printable(t.Host)},
	}
}

// keepers are the programs on a host that keep shells, and what they keep.
func (a *app) keepers(ctx context.Context, c *api.Client, target api.Target) (api.Keepers, error) {
	out, err := a.look(ctx, c, target, api.KeepersScript)
	return api.ParseKeepers(out), err
}

// sayKept tells how to come back to a shell that goes on on the host, where err
// has parted us from it.
func (a *app) sayKept(err error, t api.Target, as *api.KeptAs) {
	var exit status
	if as != nil && err != nil && (!errors.As(err, &exit) || exit == ours) {
		fmt.Fprintf(a.Err, "sallyport: the shell goes on on %s, in %s\n  to come back: %s\n", api.Printable(t.Host), as.Keeper, api.RejoinCommand(t, *as))
	}
}

// sayLost tells what can be done about a shell that has ended with its
// connection, where nothing on the host has kept it.
func (a *app) sayLost(t *api.Terminal, exit api.Exit, of api.Target, ran api.SessionSpec) {
	if exit.Failure == nil || ran.KeptAs != nil || !t.Kept() {
		return
	}
	fmt.Fprintf(a.Err, "  to see its last screen again: sallyport attach %s\n", api.Printable(t.Name()))
	if ran.Command == "" {
		again := api.RejoinCommand(of, api.KeptAs{Name: api.UsualKeptName, User: of.User, Port: of.Port})
		fmt.Fprintf(a.Err, "  for a shell that goes on without its connection: %s\n", again)
	}
}

// listKept prints the shells that wait on a host.
func (a *app) listKept(ctx context.Context, host string, asJSON bool) error {
	c, target, err := a.clientFor(host)
	if err != nil {
		return err
	}
	target.User, target.Host = splitUser(host)
	k, err := a.keepers(ctx, c, target)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(a.Out, append([]api.KeptShell{}, k.Shells...))
	}
	if len(k.Shells) == 0 {
		fmt.Fprintf(a.Err, "sallyport: no shell is kept on %s\n", api.Printable(host))
		return nil
	}
	t := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	for _, s := range k.Shells {
		state, since := "detached", "-"
		if s.Attached {
			state = "attached"
		}
		if !s.Since.IsZero() {
			since = s.Since.Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\tsince %s\n", s.Name, s.Keeper, state, since)
	}
	return t.Flush()
}

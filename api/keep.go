package api

import (
	"context"
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"sallyport/sessions"
)

// KeepersScript looks for the keepers on a host: programs that keep a shell
// there when its connection has gone.
const KeepersScript = sessions.KeepersScript

// ParseKeepers reads what KeepersScript wrote.
func ParseKeepers(out []byte) Keepers { return sessions.ParseKeepers(out) }

// UsualKeptName is that of a shell for which nobody has thought of one.
const UsualKeptName = "sallyport"

// CheckKeptName refuses a name for a shell that a keeper could take for
// something else.
func CheckKeptName(name string) error {
	if sessions.ValidKeptName(name) {
		return nil
	}
	return &Error{
		Code:    CodeBadRequest,
		Message: fmt.Sprintf("a shell cannot be kept as %q: a name has up to 64 letters, digits, \"-\", \"_\" and \".\", and begins with a letter, a digit or \"_\"", Printable(name)),
		Hints:   []string{"--keep=" + UsualKeptName},
	}
}

// NoKeeper says that a host has no keeper, and what to do about it.
func NoKeeper(host string) *Error {
	names := sessions.KeeperNames()
	last := len(names) - 1
	return &Error{
		Code:    CodeNotFound,
		Message: fmt.Sprintf("%s has nothing that keeps a shell when its connection has gone: neither %s nor %s", Printable(host), strings.Join(names[:last], ", "), names[last]),
		Hints: []string{
			"install one there, best tmux: apt install tmux, dnf install tmux, conda install -c conda-forge tmux",
			"a shell that outlives this window, if not its connection: sallyport " + Printable(host),
		},
	}
}

// KeepOn makes r ask for the shell of a name that one of a host's keepers has,
// or begins.
func (r *SessionRequest) KeepOn(k Keepers, name string) error {
	command, keeper := k.Open(name)
	if keeper == "" {
		return NoKeeper(r.Target.Host)
	}
	r.Spec.Command = command
	if r.TTY != "force" {
		r.TTY = "yes"
	}
	r.Spec.KeptAs = &KeptAs{Keeper: keeper, Name: name, User: r.Target.User, Port: r.Target.Port}
	return nil
}

// Rejoin comes back to a shell that a keeper has when its connection has gone,
// as r asks for one on its host. It waits for the way there.
func (c *Client) Rejoin(ctx context.Context, r SessionRequest, of KeptAs) (*Terminal, error) {
	r.Target.User, r.Target.Port = of.User, of.Port
	look, err := c.StartScript(ctx, r.Target)
	if err != nil {
		return nil, err
	}
	defer look.Close()
	if err := look.Ready(ctx); err != nil {
		return nil, err
	}
	out, err := look.Script(ctx, KeepersScript)
	if err == nil {
		err = r.KeepOn(ParseKeepers(out), of.Name)
	}
	if err != nil {
		return nil, err
	}
	return c.StartSession(ctx, r)
}

// RejoinCommand is the command line that comes back to a shell that a keeper
// has on a host.
func RejoinCommand(t Target, to KeptAs) string {
	words := []string{"sallyport"}
	if t.Explicit {
		words = append(words, "-F", t.Config)
	}
	if to.User != "" {
		words = append(words, "-l", to.User)
	}
	if to.Port != "" {
		words = append(words, "-p", to.Port)
	}
	keep := "--keep"
	if to.Name != UsualKeptName {
		keep += "=" + to.Name
	}
	return Printable(shellescape.QuoteCommand(append(words, t.Host, keep)))
}

package cli

import (
	"context"
	"errors"
	"strings"

	"sallyport/api"
	"sallyport/tunnels"
)

// forwards are those of a session's connection: in this process, or in the
// background process.
type forwards interface {
	open(ctx context.Context, s tunnels.Spec) error
	// cancel closes the forward of a kind that listens there; errNoForward
	// says that there is none.
	cancel(ctx context.Context, kind tunnels.Kind, listen tunnels.Address) error
	// connections has a line for each session and forward in use.
	connections(ctx context.Context) []string
}

var errNoForward = errors.New("there is no such forward")

// escapeLine is the command line of "~C": process_cmdline of clientloop.c.
type escapeLine struct {
	forwards forwards
	local    bool                 // "!" is permitted
	run      func(command string) // by the user's shell
}

// do carries out a line and returns what there is to say.
func (c escapeLine) do(ctx context.Context, line string) []string {
	line = strings.TrimPrefix(strings.TrimLeft(line, " \t"), "-")
	switch {
	case line == "":
		return nil
	case strings.IndexByte("hH?", line[0]) >= 0:
		return c.help()
	case line[0] == '!' && c.local:
		c.run(line[1:])
		return nil
	}
	if rest, ok := strings.CutPrefix(line, "K"); ok {
		return c.forward(rest, func(kind tunnels.Kind, arg string) []string { return c.cancel(ctx, kind, arg) })
	}
	return c.forward(line, func(kind tunnels.Kind, arg string) []string { return c.open(ctx, kind, arg) })
}

func (c escapeLine) help() []string {
	lines := []string{
		"Commands:",
		"      -L[bind_address:]port:host:hostport    Request local forward",
		"      -R[bind_address:]port:host:hostport    Request remote forward",
		"      -D[bind_address:]port                  Request dynamic forward",
		"      -KL[bind_address:]port                 Cancel local forward",
		"      -KR[bind_address:]port                 Cancel remote forward",
		"      -KD[bind_address:]port                 Cancel dynamic forward",
	}
	if c.local {
		lines = append(lines, "      !args                                  Execute local command")
	}
	return lines
}

// forward reads the kind of a forward and has f do the rest.
func (c escapeLine) forward(line string, f func(kind tunnels.Kind, arg string) []string) []string {
	if line == "" {
		return []string{"Invalid command."}
	}
	switch kind := tunnels.Kind(line[:1]); kind {
	case tunnels.Local, tunnels.Remote, tunnels.Dynamic:
		return f(kind, strings.TrimLeft(line[1:], " \t"))
	}
	return []string{"Invalid command."}
}

func (c escapeLine) open(ctx context.Context, kind tunnels.Kind, arg string) []string {
	spec, err := tunnels.Parse(kind, arg)
	if err != nil {
		return []string{"Bad forwarding specification."}
	}
	if err := c.forwards.open(ctx, spec); err != nil {
		return []string{"Port forwarding failed.", "sallyport: " + api.AsError(err).Message}
	}
	return []string{"Forwarding port."}
}

// cancel reads the near end of a forward, which a dynamic one is all of.
func (c escapeLine) cancel(ctx context.Context, kind tunnels.Kind, arg string) []string {
	spec, err := tunnels.Parse(tunnels.Dynamic, arg)
	if err != nil {
		return []string{"Bad forwarding close specification."}
	}
	switch err := c.forwards.cancel(ctx, kind, spec.Listen); {
	case errors.Is(err, errNoForward):
		return []string{"Unknown port forwarding."}
	case err != nil:
		return []string{"Unknown port forwarding.", "sallyport: " + api.AsError(err).Message}
	}
	return []string{"Canceled forwarding."}
}

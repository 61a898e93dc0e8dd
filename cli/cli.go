// Package cli is the command line: commands, flags, and questions on the
// terminal. Data goes to standard output and words to standard error; the
// exit status is the remote command's own, or 255 for a failure of ours, as
// with ssh.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/daemon"
	"sallyport/internal/start"
)

// Version is what "sallyport version" says; a release sets it when it links.
var Version = "0.1.0-dev"

// Stdio are the standard streams of a command.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// ours is the exit status of a failure of ours, as ssh has it.
const ours = 255

// status is an error that only sets the exit status: what there was to say
// has been said.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Main runs one command line and returns its exit status: the remote
// command's own, or 255 for a failure of ours. The process ends after it:
// signals are ours until then.
func Main(ctx context.Context, args []string, std Stdio) int {
	ctx = heed(ctx)
	run := func() error { return command(ctx, args, std) }
	if work, ok := helper(args); ok {
		run = work
	}
	err := run()
	var (
		s status
		k killed
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	case errors.As(err, &k):
		return die(k.by)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return ours // interrupted: the person knows
	}
	explain(std.Err, err)
	return ours
}

// A session that has lasted longer than a login may carry much. Each packet is
// garbage soon, so that the collector would run at every hundredth.
const (
	brief       = time.Second
	roomToCarry = 800 // percent
)

// command does what a command line asks for. The one of "ssh" is read by
// parseSSH alone, and programs run it often: it starts without the making of
// all other commands, and on one processor.
func command(ctx context.Context, args []string, std Stdio) error {
	if len(args) > 0 && args[0] == "ssh" && !slices.Equal(args[1:], []string{"--help"}) {
		time.AfterFunc(brief, func() { debug.SetGCPercent(roomToCarry) })
		return (&app{Stdio: std}).ssh(ctx, args[1:])
	}
	start.All()
	if configFile, ok := bare(args); ok {
		return (&app{Stdio: std, configFile: configFile}).screen(ctx, "sallyport")
	}
	return root(std).execute(ctx, args)
}

// bare tells that a command line asks for nothing but the screen, and of which
// file: that needs none of the other commands either.
func bare(args []string) (configFile string, ok bool) {
	switch {
	case len(args) == 0:
		return "", true
	case len(args) == 2 && args[0] == "-F":
		return args[1], true
	}
	return "", false
}

// explain says what went wrong and what to do about it.
func explain(w io.Writer, err error) {
	e := api.AsError(err)
	fmt.Fprintf(w, "sallyport: %s\n", e.Message)
	for _, hint := range e.Hints {
		fmt.Fprintf(w, "  hint: %s\n", hint)
	}
}

// app is what the commands share.
type app struct {
	Stdio
	cmd        *cobra.Command
	configFile string // -F
	home       string // with -F, in place of the one of the passwd entry: the demo's
}

func (a *app) execute(ctx context.Context, args []string) error {
	a.cmd.SetArgs(args)
	return a.cmd.ExecuteContext(ctx)
}

// paths are the configuration files in force.
func (a *app) paths() (config.Paths, error) {
	if a.configFile == "" {
		return config.DefaultPaths()
	}
	p, err := config.File(a.configFile)
	if a.home != "" {
		p.Home = a.home
	}
	return p, err
}

// dirs are the background process's places.
func (a *app) dirs() (daemon.Dirs, error) {
	p, err := config.DefaultPaths()
	if err != nil {
		return daemon.Dirs{}, err
	}
	return daemon.Locate(os.Getenv, p.Home)
}

// client talks to the background process and starts it when it is needed.
func (a *app) client() (*api.Client, error) {
	d, err := a.dirs()
	if err != nil {
		return nil, err
	}
	return &api.Client{
		Socket: d.Socket(),
		Start: func(ctx context.Context) error {
			program, err := os.Executable()
			if err != nil {
				return err
			}
			return daemon.Ensure(ctx, d, program, os.Environ())
		},
	}, nil
}

// hasRecord tells whether the background process would bring up tunnels if it
// were started.
func (a *app) hasRecord() bool {
	d, err := a.dirs()
	return err == nil && d.Wants()
}

// snapshot asks for all that the background process holds.
func (a *app) snapshot(ctx context.Context) (*api.Client, api.Snapshot, error) {
	c, err := a.client()
	if err != nil {
		return nil, api.Snapshot{}, err
	}
	s, err := c.Snapshot(ctx)
	return c, s, err
}

// clientFor is the client with a host to ask it for, as this caller means it.
func (a *app) clientFor(host string) (*api.Client, api.Target, error) {
	c, err := a.client()
	if err != nil {
		return nil, api.Target{}, err
	}
	p, err := a.paths()
	return c, target(p, host), err
}

// target is a host of a configuration as this caller means it.
func target(p config.Paths, host string) api.Target {
	return api.Target{Host: host, Config: p.User, Explicit: p.Explicit, Env: os.Environ()}
}

// inventory reads the configuration for looking at it.
func (a *app) inventory() (*api.Inventory, error) {
	p, err := a.paths()
	if err != nil {
		return nil, err
	}
	return api.ReadInventory(p), nil
}

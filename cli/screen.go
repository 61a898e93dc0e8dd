package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/term"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
	"sallyport/ui"
)

// screen runs the full-screen interface.
func (a *app) screen(ctx context.Context, name string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return &api.Error{
			Code:    api.CodeBadRequest,
			Message: "the full-screen list needs a terminal",
			Hints:   []string{"sallyport hosts", "sallyport --help"},
		}
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	p, err := a.paths()
	if err != nil {
		return err
	}
	read := readAhead(p)
	a.wake(ctx, c)
	// The modes are those from before the screen makes the terminal raw.
	shell := spec("")
	return ui.Run(ctx, ui.Options{
		Client:          c,
		Name:            name,
		Read:            read,
		Target:          func(host string) api.Target { return target(p, host) },
		Edit:            a.edit,
		Browse:          browse,
		BrowseInPrivate: func(ctx context.Context, url string) error { return browseInPrivate(ctx, c, url) },
		InWindow:        func(ctx context.Context, host string) error { return inWindow(ctx, target(p, host)) },
		Windows:         windowAround(os.Getenv) != nil,
		MayKeep:         func(host string) error { return a.mayKeep(target(p, host)) },
		Save:            a.save,
		Visit:           a.visit,
		MakeKey:         a.makeOnScreen,
		ImportKey:       a.importOnScreen,
		InstallKey:      a.installOnScreen,
		Shell: func() api.SessionSpec {
			now := spec("")
			now.Modes = shell.Modes
			return now
		},
		Attach: func(ctx context.Context, t *api.Terminal) (api.Exit, error) {
			return a.viewHeld(ctx, c, target(p, t.Host()), t)
		},
		ASCII:   !utf8Locale(os.Getenv),
		NoColor: os.Getenv("NO_COLOR") != "",
	})
}

// visit is one of the doctor to a host, who asks on the screen.
func (a *app) visit(host string, ask api.Interview) (*api.Visit, error) {
	p, err := a.patient(context.Background(), host) // with a host nothing waits
	if err != nil {
		return nil, err
	}
	p.Asker = ask
	return api.NewVisit(p, Version), nil
}

// makeOnScreen makes a key whose passphrase was typed there.
func (a *app) makeOnScreen(spec api.KeySpec, path string, passphrase []byte) (*api.MadeKey, error) {
	n := newKey{spec: spec, path: path, rounds: keys.DefaultRounds}
	n.spec.Comment = cmp.Or(spec.Comment, api.KeyComment())
	var err error
	if n.spec, err = n.spec.Check(); err != nil {
		return nil, err
	}
	if n.spec.InToken() {
		return nil, &api.Error{Code: api.CodeBadRequest, Message: "a key in a token is made in a terminal, where the token's PIN is asked for", Hints: []string{"sallyport key new -t " + n.spec.Type}}
	}
	if n.path, err = a.newKeyPath(n); err == nil {
		err = api.VacantKey(n.path, "name another file")
	}
	if err != nil {
		return nil, err
	}
	return api.MakeKey(n.plan(), passphrase)
}

// installOnScreen installs a key on a host, and asks on the screen.
func (a *app) installOnScreen(ctx context.Context, host, identity string, ask api.Interview) api.Installation {
	quiet := *a
	quiet.Out, quiet.Err = io.Discard, io.Discard // the screen has the terminal
	return quiet.installOn(ctx, host, installFlags{identity: identity}, onScreen{api.Printable(host), ask})
}

// roomToRead is the heap's growth, in percent, until the configuration has
// been read: the collector would run several times over what only grows. The
// usual growth is back a little later, or the collector would run beside the
// first frame.
const (
	roomToRead = 800
	firstFrame = 200 * time.Millisecond
)

// readAhead reads the configuration beside the making of the screen. The first
// call waits for it, each later one reads again.
func readAhead(p config.Paths) func() *api.Inventory {
	usual := debug.SetGCPercent(roomToRead)
	first := make(chan *api.Inventory, 1) // of size 1: the goroutine ends even if nobody asks
	go func() {
		first <- api.ReadInventory(p)
		close(first)
		time.AfterFunc(firstFrame, func() { debug.SetGCPercent(usual) })
	}()
	return func() *api.Inventory {
		if inv, ok := <-first; ok {
			return inv
		}
		return api.ReadInventory(p)
	}
}

// wake starts the background process if it has tunnels to bring back, beside
// the first frame.
func (a *app) wake(ctx context.Context, c *api.Client) {
	if !a.hasRecord() {
		return
	}
	go func() { // ends when the process answers, or with ours
		if err := c.Start(ctx); err != nil && !errors.Is(err, context.Canceled) {
			return // whoever needs the process is told why it does not start
		}
	}()
}

// utf8Locale tells whether the locale writes UTF-8; LC_ALL, LC_CTYPE and LANG
// in that order, as setlocale(3) has it.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true // no locale at all: today's terminals write UTF-8
}

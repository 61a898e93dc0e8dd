package ui

import (
	"context"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
)

// Options are what the screen needs from the command line.
type Options struct {
	Client *api.Client
	// Read reads the configuration (again).
	Read func() *api.Inventory
	// Target completes an alias to what the background process needs.
	Target func(host string) api.Target
	// Attach hands the terminal, which the screen has let go, to a session
	// until it ends.
	Attach func(ctx context.Context, t *api.Terminal) (api.Exit, error)
	// Shell is what Enter asks for: the spec of a login shell on this terminal.
	Shell func() api.SessionSpec
	// Screen is the terminal; nil opens the real one.
	Screen tcell.Screen
	// ASCII draws without anything outside ASCII, for a locale that is not UTF-8.
	ASCII bool
	// NoColor draws without colours.
	NoColor bool
	// Name is shown at the top left: "sallyport", or "sallyport demo".
	Name string
}

// Run shows the screen until the person quits or ctx ends.
func Run(ctx context.Context, o Options) error { panic("unwritten") }

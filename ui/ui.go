package ui

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/gdamore/tcell/v2/terminfo"
	"github.com/rivo/tview"

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
	// Edit opens a file in the person's editor at a line (0: anywhere), on the
	// terminal that the screen has let go, and returns when that has ended.
	Edit func(ctx context.Context, file string, line int) error
	// Browse opens a page in the person's browser.
	Browse func(ctx context.Context, url string) error
	// BrowseInPrivate is Browse for an address with a secret in it, which no
	// argument and no log may have.
	BrowseInPrivate func(ctx context.Context, url string) error
	// InWindow opens a shell on a host in another window of what the terminal
	// is a window of; Windows tells that there is such a thing.
	InWindow func(ctx context.Context, host string) error
	Windows  bool
	// MayKeep tells why no shell is kept on a host, nil if one can be.
	MayKeep func(host string) error
	// Save writes a change of the configuration. A file that was changed
	// meanwhile is refused.
	Save func(ctx context.Context, c *api.Change) error
	// Visit prepares a visit of the doctor to a host, who asks by ask.
	Visit func(host string, ask api.Interview) (*api.Visit, error)
	// MakeKey makes a key pair in a file, "" for the one that ssh looks for.
	MakeKey func(spec api.KeySpec, path string, passphrase []byte) (*api.MadeKey, error)
	// ImportKey makes a key file of PuTTY one of OpenSSH, and asks by ask.
	ImportKey func(ctx context.Context, ppk string, ask api.Interview) (*api.MadeKey, error)
	// InstallKey lets the key of a file log in on a host, and asks by ask.
	InstallKey func(ctx context.Context, host, path string, ask api.Interview) api.Installation
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

	now func() time.Time // nil is time.Now
}

// Run shows the screen until the person quits or ctx ends.
func Run(ctx context.Context, o Options) error { return run(ctx, real{o.Client, o}, o) }

// grace is how long acts that were begun before quitting may still take.
const grace = 10 * time.Second

func run(ctx context.Context, b backend, o Options) error {
	term, err := open(o.Screen)
	if err != nil {
		return err
	}
	s := newScreen(ctx, b, o)
	s.term = term
	s.app = tview.NewApplication().SetScreen(term).EnableMouse(true).EnablePaste(true)
	s.app.SetRoot(s, true).SetInputCapture(s.handle)
	s.read()
	s.spawn(func() { b.Follow(s.ctx, s.in.event) })
	moving := s.firstUpdate()
	pumped := make(chan struct{})
	go func() { // ends with s.ctx
		defer close(pumped)
		defer s.restore()
		s.pump(s.ctx, moving)
	}()

	err = s.app.Run()
	s.leave()
	if s.stopped {
		<-pumped
	} // else the terminal went away, and the pump may wait for the loop for ever
	s.wipe()
	enough := time.AfterFunc(grace, s.halt)
	s.work.Wait()
	enough.Stop()
	s.halt()
	if err == nil && term.lost {
		err = errLost
	}
	return err
}

// wipe forgets what was typed and not sent.
func (s *screen) wipe() {
	if s.dialog != nil {
		s.dialog.wipe()
	}
}

// opened is a terminal that is initialized already: tview would initialize it
// a second time and drop the error.
//
// It also remembers that it could not be taken back after a shell: its window
// was closed meanwhile. tview drops that error too, and tcell, which has given
// up its cells by then, would draw nothing for ever (tScreen.draw steps on by
// the width of a cell that does not exist, which is 0).
type opened struct {
	tcell.Screen
	lost bool // touched only by the loop
}

func (*opened) Init() error { return nil }

func (o *opened) Resume() error {
	err := o.Screen.Resume()
	o.lost = err != nil
	return err
}

func (o *opened) Show() {
	if !o.lost {
		o.Screen.Show()
	}
}

// errLost ends the program whose terminal has gone.
var errLost = errors.New("the terminal has gone")

// realTerminal is the one that the program was started on. tcell sets out with
// the size that terminfo(5) gives a terminal and copies all those cells into
// the ones of the real size: a sixteenth of the memory that is touched before
// the first frame. Without a size it has nothing to copy. And for the padding
// that terminfo gives to terminals of the seventies it rests, 5 ms at each move
// of the cursor of a vt100: who calls itself so today is an emulator.
func realTerminal() (tcell.Screen, error) {
	info, err := tcell.LookupTerminfo(os.Getenv("TERM"))
	if err != nil || runtime.GOOS == "windows" {
		return tcell.NewScreen() // on Windows it asks no TERM; elsewhere it tells of the same error
	}
	return tcell.NewTerminfoScreenFromTtyTerminfo(nil, bare(info))
}

// bare is what a terminal can do, without its size and its padding.
func bare(info *terminfo.Terminfo) *terminfo.Terminfo {
	able := *info
	able.Columns, able.Lines = 0, 0
	able.PadChar = ""
	return &able
}

// open gives a terminal that is ready to be drawn on.
func open(term tcell.Screen) (*opened, error) {
	if term == nil {
		var err error
		if term, err = realTerminal(); err != nil {
			return nil, err
		}
	}
	if err := term.Init(); err != nil {
		return nil, err
	}
	return &opened{Screen: term}, nil
}

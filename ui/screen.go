package ui

import (
	"context"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"sallyport/api"
)

// screen is all that is shown, and what the person does with it. It is the
// one primitive of the application: tview gives it the keys, the mouse and
// the loop, and it draws every cell itself. All fields below b are touched
// only by the loop.
type screen struct {
	*tview.Box
	ctx   context.Context // of everything the screen starts
	leave context.CancelFunc
	b     backend
	in    *inbox
	acts  context.Context    // of what is done for good, see act
	halt  context.CancelFunc // ends acts
	work  sync.WaitGroup     // goroutines that use ctx and acts
	now   func() time.Time

	app     *tview.Application
	stopped bool // by the pump
	term    *opened
	theme
	ascii   bool
	name    string // of the program
	windows bool   // others can be opened

	world
	inv      inventory          // that is shown; nil until it has been read
	early    []*tcell.EventKey  // typed before inv, or the form, was read
	newest   inventory          // that was read last: another one than inv if ssh would refuse it
	unfollow context.CancelFunc // ends the watching of newest
	resolver *resolver
	forget   context.CancelFunc // ends resolver
	known    map[string]api.Host
	details  map[string]api.Detail
	masters  []api.Master
	rest     context.CancelFunc // ends the following of masters; nil while it rests
	wanted   string             // the host whose detail was asked for last
	searched bool               // the resolver was asked for all hosts

	page    page
	list    list
	detail  detail
	board   board
	record  *record  // over the Tunnels page
	jupyter *jupyter // over the Hosts page
	ports   *ports   // likewise
	doctor  *doctor  // likewise
	roster  roster   // the Sessions page
	keyring keyring  // the Keys page
	journal journal
	help    *help
	form    *form
	review  *review
	saved   *review // written, and not yet read again
	dialog  *dialog
	notice  line // what the last key led to; until the next one

	opening  map[string]*opening     // shells on their way, by alias
	latest   string                  // the host of the shell that was asked for last
	wishes   map[string]bool         // tunnels switched and not yet seen in that state, by ID
	failures map[string]*api.Failure // of acts that no link can tell of, by alias
	own      []*ownQuestion          // of the doctor, in their order
	asked    int                     // of them so far
	answered map[string]bool         // questions that are answered and not yet gone, by ID
	said     []api.Entry             // our own lines of the log
}

func newScreen(ctx context.Context, b backend, o Options) *screen {
	name := o.Name
	if name == "" {
		name = "sallyport"
	}
	now := o.now
	if now == nil {
		now = time.Now
	}
	s := &screen{
		Box: tview.NewBox(), b: b, in: newInbox(), now: now,
		theme: newTheme(o.NoColor), ascii: o.ASCII, name: name, windows: o.Windows,
		opening: map[string]*opening{}, wishes: map[string]bool{},
		failures: map[string]*api.Failure{}, answered: map[string]bool{},
	}
	s.ctx, s.leave = context.WithCancel(ctx)
	s.acts, s.halt = context.WithCancel(context.WithoutCancel(ctx))
	s.list.query, s.journal.query = newField(false), newField(false)
	s.list.known = func(name string) (api.Host, bool) { h, ok := s.known[name]; return h, ok }
	return s
}

// layout is where everything is on a screen of this size.
type layout struct {
	header, banner, body, footer rect
	list, detail                 rect // of zero width when only the other is shown
}

// narrow is the width under which one pane is shown at a time.
const narrow = 70

func (s *screen) layout() layout {
	_, _, w, h := s.GetRect()
	l := layout{header: rect{0, 0, w, 1}, footer: rect{0, h - 1, w, 1}}
	top := 1
	if len(s.banner()) > 0 {
		l.banner = rect{0, 1, w, 1}
		top = 2
	}
	l.body = rect{0, top, w, max(0, h-1-top)}
	switch left := min(w*45/100, 58); {
	case w >= narrow:
		l.list = rect{0, top, left, l.body.h}
		l.detail = rect{left, top, w - left, l.body.h}
	case s.detail.focus:
		l.detail = l.body
	default:
		l.list = l.body
	}
	return l
}

// SetRect comes before each drawing, with the size of the terminal: what is
// scrolled is brought back into its bounds, and what is seen for the first
// time is asked for.
func (s *screen) SetRect(x, y, w, h int) {
	s.Box.SetRect(x, y, w, h)
	s.settle()
}

func (s *screen) settle() {
	l := s.layout()
	s.list.settle(s.listRows(l))
	s.detail.settle(len(s.detailRows(l.detail.inner().w)), l.detail.inner().h)
	if s.page == tunnelsPage {
		s.board.rows = s.boardRows(l.body.inner().w)
		s.board.settle(len(s.board.rows), l.body.inner().h)
	}
	if s.page == sessionsPage {
		s.roster.rows = s.rosterRows(l.body.inner().w)
		s.roster.settle(len(s.roster.rows), l.body.inner().h)
	}
	if s.page == keysPage {
		s.settleKeys(l.body.inner())
	}
	if s.record != nil {
		s.settleRecord(l.body.inner())
	}
	if s.jupyter != nil {
		frame := s.jupyterFrame()
		s.jupyter.list.settle(len(s.jupyterRows(frame.w-4)), frame.inner().h)
	}
	if s.ports != nil {
		s.ports.list.settle(len(s.portRows(l.body.inner().w)), l.body.inner().h)
	}
	if s.doctor != nil {
		s.settleDoctor(l.body.inner())
	}
	s.journal.settle(len(s.logRows(l.body.inner().w)), s.logHeight(l))
	if s.form != nil {
		s.form.settle(l.body)
	}
	if s.review != nil {
		s.review.top = max(0, min(s.review.top, len(s.reviewRows(l.body.inner().w-2))-l.body.inner().h))
	}
	s.request(l)
	s.requestForwards()
}

// Draw draws everything anew; tcell sends what has changed.
func (s *screen) Draw(t tcell.Screen) {
	_, _, w, h := s.GetRect()
	c := canvas{t, rect{0, 0, w, h}, s.ascii}
	t.HideCursor()
	l := s.layout()
	s.drawHeader(c, l.header)
	c.line(1, l.banner.y, fitLine(s.banner(), max(0, l.banner.w-2)))
	switch s.page {
	case hostsPage:
		s.drawList(c, l)
		s.drawDetail(c, l.detail)
	case tunnelsPage:
		s.drawBoard(c, l.body)
	case sessionsPage:
		s.drawRoster(c, l.body)
	case keysPage:
		s.drawKeys(c, l.body)
	case logPage:
		s.drawLog(c, l)
	}
	if s.record != nil {
		s.drawRecord(c, l.body)
	}
	if s.ports != nil {
		s.drawPorts(c, l.body)
	}
	if s.doctor != nil {
		s.drawDoctor(c, l.body)
	}
	if s.form != nil {
		s.drawForm(c, l.body)
	}
	if s.review != nil {
		s.drawReview(c, l.body)
	}
	s.drawFooter(c, l.footer)
	if s.jupyter != nil {
		s.drawJupyter(c)
	}
	if s.help != nil {
		s.drawHelp(c)
	}
	if s.dialog != nil {
		s.drawDialog(c)
	}
}

// clickable is a text with something behind it.
type clickable struct {
	rect
	text line
	do   func()
}

func (s *screen) drawHeader(c canvas, r rect) {
	c.text(r.x+1, r.y, s.name, s.title)
	for _, i := range s.headerItems(r.w) {
		c.line(i.x, i.y, i.text)
	}
}

// banner tells of what is wrong with the configuration as a whole.
func (s *screen) banner() line {
	if s.inv == nil {
		return nil
	}
	var worst *api.Problem
	all := s.newest.Problems()
	for i := range all {
		if worst == nil || all[i].Fatal && !worst.Fatal {
			worst = &all[i]
		}
	}
	if worst == nil {
		return nil
	}
	more := ""
	if len(all) > 1 {
		more = " (and " + count(len(all)-1, "more") + ": 6 Log)"
		if len(all) > 2 {
			more = " (and more: 6 Log)"
		}
	}
	if s.newest != s.inv {
		more += " The list is as it was before."
	}
	if worst.Fatal {
		return line{{"✗ ", s.bad}, {place(worst.Origin) + ": " + clean(worst.Message), s.bad}, {more, s.dim}}
	}
	return line{{"! ", s.busy}, {place(worst.Origin) + ": " + clean(worst.Message) + more, s.dim}}
}

// footerItems are the keys that matter here, as many as there is room for.
func (s *screen) footerItems(r rect) []clickable {
	var out []clickable
	bare := s.bare()
	x := r.x + 1
	for i := range keys {
		k := &keys[i]
		if k.footer == "" || k.where&s.where() == 0 || k.when != nil && !k.when(s) || bare && k.not != nil && k.not(s) != "" {
			continue
		}
		text := line{{k.keys[0], s.key}, {" " + k.footer, s.dim}}
		if x+text.width() > r.x+r.w-1 {
			break
		}
		out = append(out, clickable{rect{x, r.y, text.width(), 1}, text, func() { s.press(k) }})
		x += text.width() + 2
	}
	return out
}

// bare tells whether the page is empty: keys for what stands on it do nothing.
func (s *screen) bare() bool {
	return s.page == hostsPage && s.list.len() == 0 || s.page == tunnelsPage && len(places(s.board.rows)) == 0
}

func (s *screen) drawFooter(c canvas, r rect) {
	if s.notice != nil {
		c.line(r.x+1, r.y, fitLine(s.notice, r.w-2))
		return
	}
	for _, i := range s.footerItems(r) {
		c.line(i.x, i.y, i.text)
	}
}

// tell shows a sentence until the next key.
func (s *screen) tell(text string) { s.notice = line{{text, s.plain}} }

// fail shows what went wrong, and keeps it in the log.
func (s *screen) fail(host, message, hint string) {
	s.notice = line{{"✗ ", s.bad}, {message, s.bad}}
	if hint != "" {
		s.notice = append(s.notice, span{"  " + hint, s.plain})
	}
	s.note(host, message, hint)
}

// note adds a line of our own to the log.
func (s *screen) note(host, message, hint string) {
	s.said = append(s.said, api.Entry{Time: s.now(), Host: host, Message: message, Hint: hint})
	s.said = s.said[max(0, len(s.said)-api.LogLimit):]
}

// moving tells whether something on the screen changes by itself with time.
func (s *screen) moving() bool {
	for _, o := range s.opening {
		if o.shell == nil {
			return true
		}
	}
	if f := s.found(); f != nil && !f.since.IsZero() {
		return true
	}
	return s.world.moving() || s.record != nil || s.page == sessionsPage && len(places(s.roster.rows)) > 0 || s.page == tunnelsPage && s.tunnelsOn() > 0
}

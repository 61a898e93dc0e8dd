package ui

import (
	"slices"
	"strconv"
	"strings"

	"sallyport/api"
)

// detail is the right pane: everything about the selected host.
type detail struct {
	focus bool
	host  string // whose detail it is
	at    string // ID of the item under the cursor
	top   int
}

// item is something in the detail that the cursor can stand on.
type item struct {
	id      string
	host    string       // whose it is, on the page of all hosts
	about   string       // what it is, in full
	forward *api.Forward // of a tunnel
	option  *api.Option  // of a line of the configuration
	session *api.Session
	link    *api.Link
	master  *api.Master
	pair    *api.KeyPair
}

// row is one row of the detail; the first row of an item has it.
type row struct {
	line
	item  *item
	paint func() line // makes the line where it is in sight; nil where it is made
}

func (d *detail) settle(rows, height int) {
	d.top = max(0, min(d.top, rows-height))
}

// turn shows another host, from its top.
func (d *detail) turn(host string) {
	if d.host != host {
		d.host, d.at, d.top = host, "", 0
	}
}

// places are the rows with an item.
func places(rows []row) (at []int) {
	for i, r := range rows {
		if r.item != nil {
			at = append(at, i)
		}
	}
	return at
}

// cursor is the place, in at, of the item that the cursor is on.
func (d *detail) cursor(rows []row, at []int) int {
	for n, i := range at {
		if rows[i].item.id == d.at {
			return n
		}
	}
	return 0
}

// current is the item under the cursor, nil if there is none.
func (s *screen) current() *item {
	rows := s.detailRows(s.layout().detail.inner().w)
	at := places(rows)
	if len(at) == 0 {
		return nil
	}
	return rows[at[s.detail.cursor(rows, at)]].item
}

// moveDetail moves the cursor by n items and brings it into sight.
func (s *screen) moveDetail(n int) {
	in := s.layout().detail.inner()
	s.detail.move(n, s.detailRows(in.w), in.h)
}

// move moves the cursor by n items and brings it into sight, in a pane of a
// height.
func (d *detail) move(n int, rows []row, height int) {
	at := places(rows)
	if len(at) == 0 {
		d.top += n
		return
	}
	to := max(0, min(d.cursor(rows, at)+n, len(at)-1))
	d.at = rows[at[to]].item.id
	y := at[to]
	switch {
	case to == 0:
		d.top = max(0, y-height+1)
	case to == len(at)-1:
		d.top = max(0, len(rows)-height)
	case y < d.top:
		d.top = y
	case y >= d.top+height:
		d.top = y - height + 1
	}
}

// click puts the cursor on the item at x, y of a pane, and tells whether it was
// there already.
func (d *detail) click(rows []row, in rect, x, y int) (again bool) {
	i := d.top + y - in.y
	if !in.has(x, y) || i >= len(rows) || rows[i].item == nil {
		return false
	}
	again = rows[i].item.id == d.at
	d.at = rows[i].item.id
	return again
}

func (s *screen) drawDetail(c canvas, r rect) {
	if r.w == 0 {
		return
	}
	name, ok := s.list.selected()
	style := s.border
	if s.detail.focus {
		style = s.focus
	}
	title := line{}
	if ok {
		title = line{{clean(name), s.title}}
	}
	c.frame(r, title, style)
	s.drawRows(c, r, &s.detail, s.detailRows(r.inner().w), s.detail.focus)
}

// drawRows draws the rows in sight of a pane, with the cursor if it has the
// keys.
func (s *screen) drawRows(c canvas, r rect, d *detail, rows []row, keys bool) {
	in := r.inner()
	inside := c.within(in)
	var under *item
	if at := places(rows); keys && len(at) > 0 {
		under = rows[at[d.cursor(rows, at)]].item
	}
	for y := 0; y < in.h && d.top+y < len(rows); y++ {
		row := rows[d.top+y]
		if under != nil && row.item == under {
			inside.text(in.x, in.y+y, "▌", s.cursor)
		}
		if row.paint != nil {
			row.line = row.paint()
		}
		inside.line(in.x+1, in.y+y, row.line)
	}
	if d.top+in.h < len(rows) && in.h > 0 {
		c.within(r).text(r.x+r.w-9, r.y+r.h-1, " more ↓ ", s.dim)
	}
}

// sheet collects the rows of the detail.
type sheet struct {
	*screen
	host string
	w    int // of the text
	rows []row
}

func (s *sheet) add(l line)            { s.rows = append(s.rows, row{line: l}) }
func (s *sheet) item(it *item, l line) { s.rows = append(s.rows, row{line: l, item: it}) }
func (s *sheet) gap()                  { s.add(nil) }
func (s *sheet) heading(text string)   { s.gap(); s.add(line{{text, s.screen.heading}}) }

// say adds text after a mark, with its rows below each other.
func (s *sheet) say(indent int, mark string, sp span) {
	hang := indent + cells(mark)
	for i, r := range wrap(sp.text, s.w-hang) {
		if i == 0 {
			s.add(line{{strings.Repeat(" ", indent) + mark, sp.style}, {r, sp.style}})
		} else {
			s.add(line{{strings.Repeat(" ", hang) + r, sp.style}})
		}
	}
}

// detailRows is everything that is known of the selected host, laid out for a
// pane w cells wide.
func (s *screen) detailRows(w int) []row {
	name, ok := s.list.selected()
	if !ok || w < 4 {
		return nil
	}
	d := s.details[name]
	p := &sheet{screen: s, host: name, w: w - 2}
	for _, l := range s.chainRows(name, d, p.w) {
		p.add(l)
	}
	p.news()
	p.remarks(d.Host)
	if _, known := s.details[name]; !known {
		p.gap()
		p.add(line{{"Reading…", s.dim}})
		return p.rows
	}
	p.tunnels(d)
	p.shells()
	p.problems(d)
	p.options(d)
	return p.rows
}

// remarks are the comment and the tags of the host's block.
func (p *sheet) remarks(h api.Host) {
	if h.Comment != "" || len(h.Tags) > 0 {
		p.gap()
	}
	if h.Comment != "" {
		p.say(0, "", span{clean(h.Comment), p.dim})
	}
	if len(h.Tags) > 0 {
		p.say(0, "", span{"#" + clean(strings.Join(h.Tags, " #")), p.accent})
	}
}

// news tells what the connection does, or why it failed and what to do.
func (p *sheet) news() {
	if f := p.failure(p.host); f != nil {
		p.gap()
		p.say(0, "✗ ", span{clean(f.Message), p.bad})
		if f.Hint != "" {
			p.say(2, "→ ", span{clean(f.Hint), p.plain})
		}
		if l := p.link(p.host); l != nil {
			p.words(l, f.Message)
		}
		return
	}
	if problem := p.known[p.host].Problem; problem != "" {
		p.gap()
		p.say(0, "✗ ", span{clean(problem), p.bad})
		return
	}
	l := p.link(p.host)
	if m := p.master(p.host); m != nil && (l == nil || l.State == api.LinkDown) {
		p.gap()
		p.say(0, "◆ ", span{"ssh with pid " + strconv.Itoa(m.PID) + " shares its connection: Enter uses it, without a login.", p.up})
	}
	if l != nil && l.State == api.LinkUp {
		p.kind(l)
		p.notice(l)
	}
	if l == nil || l.State != api.LinkConnecting {
		return
	}
	hop := p.busyHop(l)
	step := clean(hop.Step)
	if step == "" {
		step = "connecting"
	}
	p.gap()
	p.say(0, "", span{clean(hop.Host) + ": " + step + ", for " + elapsed(p.screen.now().Sub(hop.Since)) + " — Esc cancels", p.busy})
	p.words(hop, "")
}

// notice says what is to be mended though the login succeeded.
func (p *sheet) notice(l *api.Link) {
	if l.Notice == "" {
		return
	}
	p.gap()
	for text := range strings.SplitSeq(l.Notice, "\n") {
		p.say(0, "! ", span{clean(text), p.busy})
	}
}

// bannerRows is how much of a banner is shown: its end, where what is new
// stands.
const bannerRows = 8

// bannerEnd is what was said on the way to a login, by the server or a
// ProxyCommand, but for what is known from elsewhere.
func bannerEnd(l *api.Link, known string) []string {
	lines := slices.DeleteFunc(strings.Split(l.Banner, "\n"), func(s string) bool {
		return strings.TrimSpace(s) == "" || strings.Contains(known, s)
	})
	return lines[max(0, len(lines)-bannerRows):]
}

// quoteMark stands before the words of others.
const quoteMark = "│ "

// words shows the end of a banner.
func (p *sheet) words(l *api.Link, known string) {
	for _, text := range bannerEnd(l, known) {
		for _, r := range wrap(clean(text), p.w-cells(quoteMark)) {
			p.add(line{{quoteMark, p.dim}, {r, p.plain}})
		}
	}
}

// kind says whose connection serves the host, and why not ours.
func (p *sheet) kind(l *api.Link) {
	var how []string
	switch {
	case l.Kind == api.LinkNative:
		how = append(how, "natively")
	case l.Kind != "" && l.Kind != api.LinkLent: // its Why says all
		how = append(how, string(l.Kind))
	}
	if l.Why != "" {
		how = append(how, l.Why)
	}
	if l.Further > 0 {
		how = append(how, "over "+count(l.Further+1, "connection")+" while much is passed")
	}
	if how != nil {
		p.gap()
		p.say(0, "", span{"Connected " + clean(strings.Join(how, ", ")), p.dim})
	}
}

// forwards are those of the configuration, then those that are open without
// being in it.
func (s *screen) forwards(host string, d api.Detail) []api.Forward {
	out := slices.Clone(d.Forwards)
	for _, t := range s.world.tunnels[host] {
		if !slices.ContainsFunc(out, func(f api.Forward) bool { return f.ID == t.ID }) {
			out = append(out, api.Forward{ID: t.ID, Spec: t.Spec})
		}
	}
	return out
}

func (p *sheet) tunnels(d api.Detail) {
	p.heading("Tunnels")
	all := p.forwards(p.host, d)
	if len(all) == 0 {
		p.say(0, "", span{"None. f adds one, as  LocalForward 8080 localhost:80  in the host's block.", p.dim})
		return
	}
	width := 0
	for _, f := range all {
		width = max(width, cells(forwardText(f.Spec)))
	}
	for _, f := range all {
		p.tunnel(f, min(width, p.w-4))
	}
}

// forwardText is a forward as a person reads it: "L 8080 → targaryen:8080".
func forwardText(spec api.TunnelSpec) string {
	s := string(spec.Kind) + " " + clean(spec.Listen.String())
	if spec.Connect == (api.Address{}) {
		return s + "  SOCKS"
	}
	return s + " → " + clean(spec.Connect.String())
}

// on tells whether a forward is switched on, as far as the person is
// concerned: a wish counts until it is seen to be true.
func (s *screen) on(host, id string) bool {
	if wish, ok := s.wishes[id]; ok {
		return wish
	}
	return s.tunnel(host, id) != nil
}

func (p *sheet) tunnel(f api.Forward, width int) {
	box, t := "[ ] ", p.screen.tunnel(p.host, f.ID)
	if p.on(p.host, f.ID) {
		box = "[x] "
	}
	style := p.plain
	if t == nil {
		style = p.dim
	}
	about := forwardText(f.Spec)
	if f.Origin.File != "" {
		about += ", " + place(f.Origin)
	}
	left := line{{box, p.plain}, {pad(forwardText(f.Spec), width), style}, {"  ", p.plain}}
	st := p.tunnelStatus(f, t)
	right := append(line{{st.glyph, st.style}, {" " + st.note, st.noteStyle}}, p.volume(t)...)
	it := &item{id: "tunnel " + f.ID, about: about, forward: &f}
	switch {
	case left.width()+right.width() <= p.w:
		p.item(it, append(left, right...))
	case left.width()+2+cells(st.note) <= p.w:
		p.item(it, append(left, right[:2]...))
		p.add(append(line{{"  ", p.plain}}, right[2:]...))
	default:
		p.item(it, line{{box, p.plain}, {fit(forwardText(f.Spec), p.w-4), style}})
		p.add(append(line{{"    ", p.plain}}, right...))
	}
	p.tunnelTrouble(f, t)
}

func (p *sheet) tunnelTrouble(f api.Forward, t *api.Tunnel) {
	if f.Problem != "" {
		p.say(4, "", span{clean(f.Problem), p.bad})
	}
	if t == nil {
		return
	}
	for _, failure := range []*api.Failure{t.Failure, t.LastError} {
		if failure == nil {
			continue
		}
		at := ""
		if failure == t.LastError && !failure.At.IsZero() {
			at = failure.At.Local().Format("15:04:05") + "  "
		}
		p.say(4, at, span{clean(failure.Message), p.bad})
		if failure.Hint != "" {
			p.say(4, "→ ", span{clean(failure.Hint), p.plain})
		}
	}
}

func (p *sheet) tunnelStatus(f api.Forward, t *api.Tunnel) status {
	if t == nil {
		switch {
		case p.on(p.host, f.ID):
			return status{"◐", p.busy, "opening…", p.busy}
		case f.Problem != "":
			return status{"✗", p.bad, "not understood", p.bad}
		}
		return status{"○", p.dim, "", p.dim}
	}
	if !p.on(p.host, f.ID) {
		return status{"◐", p.busy, "closing…", p.busy}
	}
	switch t.State {
	case api.TunnelUp:
		if t.Open == 0 {
			return status{"●", p.up, chosen(t) + "idle", p.dim}
		}
		return status{"●", p.up, chosen(t) + strconv.Itoa(t.Open) + " open", p.plain}
	case api.TunnelOpening:
		return status{"◐", p.busy, "opening…", p.busy}
	case api.TunnelAsking:
		return status{"?", p.ask, "asks", p.ask}
	case api.TunnelWaiting:
		return status{"◌", p.busy, "waiting", p.busy}
	case api.TunnelBusy:
		if t.Spec.Listen.Path != "" {
			return status{"✗", p.bad, "path taken", p.bad}
		}
		return status{"✗", p.bad, "port in use", p.bad}
	case api.TunnelFailed:
		return status{"✗", p.bad, "failed", p.bad}
	}
	return status{"·", p.dim, clean(string(t.State)), p.dim}
}

// chosen is the port that the far side has chosen, where it was to.
func chosen(t *api.Tunnel) string {
	if t.Allocated == 0 {
		return ""
	}
	return "port " + strconv.Itoa(t.Allocated) + ", "
}

// volume is what went through a tunnel, and how fast.
func (p *sheet) volume(t *api.Tunnel) line {
	if t == nil || t.Sent+t.Received == 0 {
		return nil
	}
	out := line{{"  ↑ " + size(float64(t.Sent)) + "  ↓ " + size(float64(t.Received)), p.dim}}
	if tr := p.traffic[t.ID]; tr != nil && !tr.quiet() {
		out = append(out, span{"  " + graph(tr.rates), p.accent}, span{" " + size(tr.rate()) + "/s", p.plain})
	}
	return out
}

func (p *sheet) shells() {
	all := append(p.waiting(p.host), p.sessions[p.host]...)
	if len(all) == 0 {
		return
	}
	p.heading("Shells")
	for _, s := range all {
		what := clean(s.Command)
		switch {
		case s.KeptAs != nil:
			what = keptIn(s)
		case what == "" && s.Title != "":
			what = s.Title // printable
		case what == "":
			what = "login shell"
		}
		st := p.shellStatus(s)
		glyph, about := span{st.glyph, st.style}, what+", since "+s.Since.Local().Format("15:04")
		switch {
		case s.Waits():
			about = what + ", without its connection: Enter on page 3 comes back to it"
		case s.Left():
			about += ", nobody looks at it: Enter on page 3 comes back to it"
		}
		it := &item{id: "shell " + s.ID, about: about}
		p.item(it, line{glyph, {" " + fit(what, p.w-14), p.plain}, {"  " + elapsed(p.screen.now().Sub(s.Since)), p.dim}})
	}
}

func (p *sheet) problems(d api.Detail) {
	if len(d.Problems) == 0 {
		return
	}
	p.heading("Worth knowing")
	for _, problem := range d.Problems {
		style, glyph := p.plain, span{"! ", p.busy}
		if problem.Fatal {
			style, glyph = p.bad, span{"✗ ", p.bad}
		}
		at := origin(problem.Origin, p.host)
		it := &item{id: "problem " + at + problem.Message, about: place(problem.Origin) + ": " + clean(problem.Message)}
		for i, r := range wrap(at+"  "+clean(problem.Message), p.w-2) {
			if i == 0 {
				p.item(it, line{glyph, {r, style}})
			} else {
				p.add(line{{"  " + r, style}})
			}
		}
	}
}

// options lists what files set: keyword, value, file:line.
func (p *sheet) options(d api.Detail) {
	p.heading("Configuration")
	if len(d.Options) == 0 {
		p.say(0, "", span{"Nothing is set for this host: all is ssh's default.", p.dim})
		return
	}
	t := table{}
	for _, o := range d.Options {
		t.key = max(t.key, cells(o.Key))
		t.value = max(t.value, cells(tilde(o.Value)))
	}
	t.key = min(t.key, p.w/3)
	for _, block := range []bool{true, false} { // the blocks are left out before values are broken, or lines of files shortened
		t.block, t.from = block, 0
		for _, o := range d.Options {
			t.from = max(t.from, cells(p.from(o, block)))
		}
		if t.from <= p.w/3 && t.key+2+t.value+2+t.from <= p.w {
			break
		}
	}
	t.from = min(t.from, p.w/3)
	t.value = max(4, min(t.value, p.w-t.key-t.from-4))
	for i, o := range d.Options {
		p.option(i, o, t)
	}
}

// table is the width of the columns of the options, and whether blocks are
// named.
type table struct {
	key, value, from int
	block            bool
}

func (p *sheet) from(o api.Option, block bool) string {
	if !block {
		o.Origin.Block = ""
	}
	return origin(o.Origin, p.host)
}

// option draws one option. A long keyword pushes its value to the right.
func (p *sheet) option(i int, o api.Option, t table) {
	key, shown := clean(o.Key), tilde(o.Value)
	it := &item{id: "option " + o.Key + " " + o.Value + " " + strconv.Itoa(i), about: key + " " + shown + ", set in " + place(o.Origin), option: &o}
	push := min(max(0, cells(key)-t.key), t.value-4)
	from := span{"  " + fitOrigin(p.from(o, t.block), t.from), p.dim}
	for n, r := range wrapPath(shown, t.value-push, t.value+2+t.from) {
		if n == 0 {
			p.item(it, line{{pad(key, t.key+push), p.dim}, {"  " + pad(r, t.value-push), p.plain}, from})
		} else {
			p.add(line{{strings.Repeat(" ", t.key+2) + r, p.plain}})
		}
	}
}

package ui

import (
	"context"
	"strconv"
	"strings"

	"sallyport/api"
)

// keyring is the Keys page: each key pair, what it is, who has to do with it,
// and what is wrong with it. Files and agent are looked at, and asked for
// nothing, only as long as the page is on the screen.
type keyring struct {
	detail                // its rows under a cursor
	rows   []row          // as they are seen
	all    []*api.KeyPair // as they were found last
	failed []string       // what could not be looked at
	read   bool           // they have come
	leave  context.CancelFunc

	shown string // the ID of the pair that is told in full, over the page; "" for none
	pane  detail
}

// followKeys learns of the keys while their page is shown.
func (s *screen) followKeys() {
	k := &s.keyring
	if k.leave != nil {
		k.leave()
		k.leave = nil
	}
	if s.page != keysPage || s.inv == nil {
		return
	}
	var ctx context.Context
	ctx, k.leave = context.WithCancel(s.ctx)
	inv := s.inv
	s.look(func() {
		inv.FollowKeys(ctx, agentSocket(), func(ring *api.Keyring, err error) {
			s.in.do(func() {
				if ctx.Err() == nil {
					k.take(ring, err)
				}
			})
		})
	})
}

// take keeps what was found. A pair that is told in full may have gone.
func (k *keyring) take(ring *api.Keyring, err error) {
	k.read, k.all, k.failed = true, nil, nil
	if err != nil {
		ring = &api.Keyring{Problems: []error{err}}
	}
	k.all = ring.Pairs
	for _, problem := range ring.Problems {
		k.failed = append(k.failed, clean(problem.Error()))
	}
	if k.shown != "" && k.pair(k.shown) == nil {
		k.shown = ""
	}
}

// keyID tells pairs apart.
func keyID(p *api.KeyPair) string {
	if p.Path == "" {
		return "agent " + p.SHA256
	}
	return p.Path
}

func (k *keyring) pair(id string) *api.KeyPair {
	for _, p := range k.all {
		if keyID(p) == id {
			return p
		}
	}
	return nil
}

// keyEntry is what the first row of a pair says.
type keyEntry struct{ name, kind, lock, agent, mode string }

func entryOf(p *api.KeyPair) keyEntry {
	e := keyEntry{name: pairName(p), kind: "—", lock: lockName(p), mode: p.Mode}
	if p.Type != "" {
		e.kind = p.Type + " " + strconv.Itoa(p.Bits)
	}
	if p.InAgent && p.Path != "" {
		e.agent = "agent"
	}
	return e
}

func pairName(p *api.KeyPair) string {
	if p.Path == "" {
		return "(agent only)"
	}
	return tilde(p.Path)
}

// lockName is how a pair is protected, in few words.
func lockName(p *api.KeyPair) string {
	switch l := p.Private; {
	case p.Path == "":
		return "in the agent"
	case l == nil && p.Type == "":
		return "not a key"
	case l == nil:
		return "public half only"
	case !l.Encrypted:
		return "no passphrase"
	case l.Rounds > 0:
		return "bcrypt, " + count(int(l.Rounds), "round")
	case l.Version > 0:
		return "PuTTY " + strconv.Itoa(l.Version)
	default:
		return "old " + clean(l.Format)
	}
}

// keyColumns are the widths of what stands before the hosts.
type keyColumns struct{ name, kind, lock, agent, mode int }

func keyTable(all []*api.KeyPair, w int) (t keyColumns) {
	for _, p := range all {
		e := entryOf(p)
		t.name, t.kind, t.lock = max(t.name, cells(e.name)), max(t.kind, cells(e.kind)), max(t.lock, cells(e.lock))
		t.agent, t.mode = max(t.agent, cells(e.agent)), max(t.mode, cells(e.mode))
	}
	t.name = min(t.name, w/3)
	return t
}

// leastHosts is the room in which hosts are worth naming in the row of a key.
const leastHosts = 24

// pairRows are the rows of the page for a pane w cells wide.
func (s *screen) pairRows(w int) []row {
	if w < 20 {
		return nil
	}
	k := &s.keyring
	p := &sheet{screen: s, w: w - 2}
	t := keyTable(k.all, p.w)
	for _, problem := range k.failed {
		p.say(0, "✗ ", span{problem, p.bad})
	}
	for _, pair := range k.all {
		p.pair(pair, t)
	}
	return p.rows
}

// pair is what the page says of one: its row, its fingerprint, its faults.
func (p *sheet) pair(pair *api.KeyPair, t keyColumns) {
	e := entryOf(pair)
	glyph := span{"○ ", p.dim}
	if pair.InAgent {
		glyph = span{"● ", p.up}
	}
	head := line{glyph, {pad(fitEnd(e.name, t.name), t.name), p.bold}, {"  " + pad(e.kind, t.kind), p.plain}, {"  " + pad(e.lock, t.lock), p.plain}}
	for _, c := range []struct {
		text string
		w    int
	}{{e.agent, t.agent}, {e.mode, t.mode}} {
		if c.w > 0 && head.width()+2+c.w <= p.w {
			head = append(head, span{"  " + pad(c.text, c.w), p.plain})
		}
	}
	hosts := clean(and(pair.Hosts...))
	if room := p.w - head.width() - 2; room >= leastHosts {
		head = append(head, span{"  " + fit(hosts, room), p.accent})
		hosts = ""
	}
	p.item(&item{id: keyID(pair), about: "the key", pair: pair}, fitLine(head, p.w))
	if pair.SHA256 != "" {
		p.add(fitLine(line{{"  " + pair.SHA256, p.dim}, {"  " + clean(pair.Comment), p.plain}}, p.w))
	}
	if hosts != "" {
		p.add(line{{"  " + fit(hosts, p.w-2), p.accent}})
	}
	p.faults(pair)
}

// faults are what is wrong with a pair, and what mends it.
func (p *sheet) faults(pair *api.KeyPair) {
	for _, f := range pair.Findings {
		p.say(2, "✗ ", span{clean(f.Message), p.bad})
		p.say(4, "→ ", span{fixText(f), p.plain})
	}
}

func fixText(f api.KeyFinding) string {
	if f.Ours() {
		return clean(f.Fix) + "  (f does it)"
	}
	return clean(f.Fix)
}

func (s *screen) settleKeys(in rect) {
	k := &s.keyring
	k.rows = s.pairRows(in.w)
	k.settle(len(k.rows), in.h)
	if k.shown != "" {
		k.pane.settle(len(s.keyDetail(in.w)), in.h)
	}
}

func (s *screen) drawKeys(c canvas, r rect) {
	k := &s.keyring
	if pair := k.pair(k.shown); pair != nil {
		c.frame(r, line{{"Key", s.title}, {" ─ ", s.focus}, {pairName(pair), s.plain}}, s.focus)
		s.drawRows(c, r, &k.pane, s.keyDetail(r.inner().w), false)
		return
	}
	c.frame(r, s.keysTitle(), s.focus)
	switch in := r.inner(); {
	case !k.read:
		c.within(in).text(in.x+2, in.y+1, "Reading…", s.dim)
	case len(k.rows) == 0:
		s.drawKeysLesson(c.within(in), in)
	default:
		s.drawRows(c, r, &k.detail, k.rows, true)
	}
}

func (s *screen) keysTitle() line {
	held, faults := 0, 0
	for _, p := range s.keyring.all {
		faults += len(p.Findings)
		if p.InAgent {
			held++
		}
	}
	parts := []string{}
	for _, n := range []struct {
		n    int
		text string
	}{{len(s.keyring.all), count(len(s.keyring.all), "key")}, {held, strconv.Itoa(held) + " in the agent"}, {faults, count(faults, "finding")}} {
		if n.n > 0 {
			parts = append(parts, n.text)
		}
	}
	title := line{{"Keys", s.title}}
	if len(parts) > 0 {
		title = append(title, span{" ─ ", s.focus}, span{strings.Join(parts, ", "), s.plain})
	}
	return title
}

// drawKeysLesson says how to come by a key.
func (s *screen) drawKeysLesson(c canvas, r rect) {
	y := r.y + 1
	say := func(text, command string) {
		for _, part := range wrap(text, r.w-4) {
			c.text(r.x+2, y, part, s.plain)
			y++
		}
		if command != "" {
			c.text(r.x+4, y, command, s.accent)
			y++
		}
		y++
	}
	say("There is no key: none in ~/.ssh, none that the configuration names, and none in an agent.", "")
	say("Press n to make one. In a terminal the same is", "sallyport key new")
	say("Then i has the selected host, or the marked ones, let it in while a password still does.", "")
}

package ui

import (
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
)

// formAreas are where the rows of a form are, and what is said about the one
// under the cursor.
func formAreas(body rect) (rows, about rect) {
	in := body.inner()
	h := max(0, min(8, in.h*9/20))
	rows = rect{in.x, in.y, in.w, max(0, in.h-h-1)}
	return rows, rect{in.x + 1, rows.y + rows.h + 1, max(0, in.w-2), h}
}

// pickerArea is what the query leaves for the keywords.
func pickerArea(rows rect) rect { return rect{rows.x, rows.y + 1, rows.w, max(0, rows.h-1)} }

func (s *screen) drawForm(c canvas, r rect) {
	f := s.form
	c.fill(r, s.plain)
	c.frame(r, s.formTitle(), s.focus)
	rows, about := formAreas(r)
	c.text(r.x, about.y-1, "├"+strings.Repeat("─", max(0, r.w-2))+"┤", s.focus)
	switch {
	case f.base == nil:
		c.within(rows).text(rows.x+2, rows.y+1, "Reading…", s.dim)
		return
	case f.picker != nil:
		s.drawPicker(c.within(rows), rows)
	default:
		s.drawFormRows(c.within(rows), rows)
	}
	if f.below(rows) {
		c.text(r.x+r.w-9, about.y-1, " more ↓ ", s.dim)
	}
	for y, l := range s.about(about.w) {
		c.within(about).line(about.x, about.y+y, l)
	}
}

// below tells whether there is more than fits.
func (f *form) below(r rect) bool {
	if p := f.picker; p != nil {
		return p.top+pickerArea(r).h < len(p.found)
	}
	return f.top+r.h < len(f.rows())
}

func (s *screen) formTitle() line {
	f := s.form
	title := line{{"Edit " + f.title(), s.title}}
	if f.host == "" {
		title = line{{"New host", s.title}}
	}
	if n := f.pending(); n > 0 {
		title = append(title, span{" ─ ", s.focus}, span{count(n, "change"), s.busy})
	}
	if f.base != nil {
		title = append(title, span{" ─ ", s.focus}, span{place(api.Origin{File: f.base.File, Line: f.base.Line}), s.dim})
	}
	return title
}

func (s *screen) drawFormRows(c canvas, r rect) {
	f := s.form
	all := f.rows()
	key := 0
	for _, row := range all {
		key = max(key, cells(clean(row.keyword)))
	}
	key = min(max(key, 12), r.w/3)
	for y := 0; y < r.h && f.top+y < len(all); y++ {
		row := all[f.top+y]
		under := f.top+y == f.cursor
		if under {
			c.text(r.x, r.y+y, "▌", s.cursor)
		}
		if row.kind == rowHeading {
			c.text(r.x+1, r.y+y, "Set elsewhere", s.heading)
			continue
		}
		s.drawFormRow(c, rect{r.x + 1, r.y + y, r.w - 2, 1}, row, key, under)
	}
}

// drawFormRow draws what is pending as a sign, keyword, value and where that
// comes from.
func (s *screen) drawFormRow(c canvas, r rect, row formRow, key int, under bool) {
	sign := s.sign(row)
	name := s.plain
	switch {
	case under:
		name = s.bold
	case !row.own() && row.option():
		name = s.dim
	}
	c.line(r.x, r.y, line{sign, {" " + pad(clean(row.keyword), key) + "  ", name}})
	x := r.x + 2 + key + 2
	room := max(0, r.x+r.w-x)
	if e := s.form.typing; e != nil && under {
		e.draw(c, rect{x, r.y, room, 1}, s.field, s.dialog == nil)
		return
	}
	from := s.rowOrigin(row, room/2)
	c.text(r.x+r.w-cells(from), r.y, from, s.dim)
	value, style := s.rowValue(row)
	c.text(x, r.y, fit(value, max(0, room-cells(from)-2)), style)
}

// sign is the shape and colour of what is pending.
func (s *screen) sign(row formRow) span {
	f := s.form
	switch {
	case row.kind == rowAdded && row.change.was != "":
		return span{"!", s.bad}
	case row.kind == rowAdded:
		return span{"+", s.up}
	case row.change != nil && row.change.value == "":
		return span{"-", s.bad}
	case row.change != nil, row.kind == rowName && f.name != f.host && f.host != "", row.kind == rowTags && f.tagged:
		return span{"~", s.busy}
	}
	return span{" ", s.plain}
}

// rowValue is the value of a row as it is shown.
func (s *screen) rowValue(row formRow) (string, tcell.Style) {
	switch {
	case row.change != nil && row.change.value == "":
		return clean(row.change.was), s.dim
	case row.kind == rowUnset:
		return s.inForce(row.keyword), s.dim
	case row.kind == rowElsewhere:
		return tilde(row.value), s.dim
	case row.kind == rowName && row.value == "", row.kind == rowTags && row.value == "":
		return "—", s.dim
	}
	return clean(row.value), s.plain
}

// rowOrigin is what stands at the right: the old value, the comment behind it,
// or the line.
func (s *screen) rowOrigin(row formRow, w int) string {
	switch {
	case row.kind == rowAdded && row.change.was != "":
		return fit("no longer "+clean(row.change.was), w)
	case row.change != nil && row.change.was != "" && row.change.value == "":
		return fit("will be removed", w)
	case row.change != nil && row.change.was != "":
		return fit("was "+clean(row.change.was), w)
	case row.comment != "":
		return fit("# "+clean(row.comment), w)
	case row.kind == rowElsewhere:
		return fit(origin(row.origin, ""), w)
	case row.kind == rowUnset:
		return fit(s.inForceFrom(row.keyword), w)
	}
	return ""
}

// inForce is what ssh takes for a keyword now.
func (s *screen) inForce(keyword string) string {
	var values []string
	for _, o := range s.form.base.InForce[s.form.keyword(keyword).Name] {
		values = append(values, tilde(o.Value))
	}
	return strings.Join(values, ", ")
}

// inForceFrom is where that was set.
func (s *screen) inForceFrom(keyword string) string {
	var from []string
	for _, o := range s.form.base.InForce[s.form.keyword(keyword).Name] {
		at := "default"
		if o.Origin.File != "" {
			at = origin(o.Origin, s.form.host)
		}
		if !slices.Contains(from, at) {
			from = append(from, at)
		}
	}
	return strings.Join(from, ", ")
}

// about is what is said beneath the rows: what is wrong, then what the row
// under the cursor means.
func (s *screen) about(w int) []line {
	f := s.form
	p := &sheet{screen: s, w: w}
	switch e := f.typing; {
	case f.busy != "":
		p.say(0, "◐ ", span{f.busy, s.busy})
	case e != nil && e.why != "":
		p.say(0, "✗ ", span{clean(e.why), s.bad})
		if strings.HasSuffix(e.why, "extra arguments at end of line") {
			p.say(2, "→ ", span{"A value with spaces stands in quotes.", s.plain})
		}
	}
	for i, sp := range f.said {
		p.say(2*i, []string{"✗ ", "→ "}[i], sp)
	}
	if f.picker != nil {
		if k, ok := f.picker.current(); ok {
			p.aboutKeyword(k)
		}
		return p.lines()
	}
	p.aboutRow(f.current())
	return p.lines()
}

func (s *sheet) lines() []line {
	out := make([]line, len(s.rows))
	for i, r := range s.rows {
		out[i] = r.line
	}
	return out
}

func (p *sheet) aboutRow(row formRow) {
	f := p.form
	switch row.kind {
	case rowName:
		text := "The name by which ssh and this list call the host. A new name also goes into the ProxyJump of others."
		if f.host == "" {
			text = "The name by which ssh and this list will call the host: a short one that is easy to type."
		}
		p.say(0, "", span{text, p.plain})
		if f.base.Opaque {
			p.say(0, "! ", span{"A line of its block cannot be taken apart and is not shown: e in the list opens it in the editor.", p.busy})
		}
	case rowTags:
		p.say(0, "", span{"Words to find the host by, with commas between. They are kept in a comment above its block.", p.plain})
	case rowHeading:
	default:
		if row.kind == rowAdded && row.change.was != "" {
			p.say(0, "! ", span{"Somebody has changed or removed this line meanwhile: u takes your change back.", p.busy})
		}
		if row.change != nil && f.idle(row.change) {
			p.say(0, "! ", span{"ssh takes this anyway, so no line is written for it.", p.busy})
		}
		p.aboutKeyword(f.keyword(row.keyword))
		if row.locked != "" {
			p.say(0, "", span{"Not changed here: " + clean(row.locked) + ". Enter gives the host a value of its own.", p.accent})
		}
	}
}

// aboutKeyword is the help of an option, how its value is written, and which
// is in force.
func (p *sheet) aboutKeyword(k api.Keyword) {
	if k.Help == "" {
		p.say(0, "", span{clean(k.Name) + " is no option that ssh of today has.", p.dim})
		return
	}
	p.say(0, "", span{k.Name + ": " + k.Help, p.plain})
	if k.Lacking != "" {
		p.say(0, "! ", span{k.Lacking, p.busy})
		return
	}
	takes := k.Format
	if k.Several {
		takes += "; each line adds one"
	}
	p.say(0, "Takes  ", span{takes, p.dim})
	value := p.inForce(k.Name)
	if value == "" {
		p.say(0, "Now    ", span{"nothing", p.dim})
		return
	}
	p.say(0, "Now    ", span{fit(value, max(0, 2*(p.w-7)-cells(p.inForceFrom(k.Name))-4)) + "  (" + p.inForceFrom(k.Name) + ")", p.dim})
}

func (s *screen) drawPicker(c canvas, r rect) {
	p := s.form.picker
	query := fitEnd(p.query.shown(), r.w-14)
	c.line(r.x, r.y, line{{" Keyword: ", s.key}, {query, s.plain}})
	if s.dialog == nil {
		c.screen.ShowCursor(r.x+10+cells(query), r.y)
	}
	area := pickerArea(r)
	if len(p.found) == 0 {
		c.text(area.x+2, area.y+1, "No keyword has these letters, and no help text these words.", s.dim)
	}
	for y := 0; y < area.h && p.top+y < len(p.found); y++ {
		k := p.all[p.found[p.top+y]]
		style := s.plain
		if k.Lacking != "" {
			style = s.dim
		}
		if p.top+y == p.cursor {
			c.text(area.x, area.y+y, "▌", s.cursor)
			style = s.bold
		}
		key := min(34, area.w/2)
		c.line(area.x+1, area.y+y, s.marked(pad(k.Name, key), p.query.shown(), style))
		from := s.inForceFrom(k.Name)
		if cells(from) > area.w/4 {
			from = fit(from, area.w/4)
		}
		c.text(area.x+area.w-1-cells(from), area.y+y, from, s.dim)
		c.text(area.x+1+key+1, area.y+y, fit(s.inForce(k.Name), max(0, area.w-key-cells(from)-5)), s.dim)
	}
}

package ui

import (
	"cmp"
	"strings"

	"sallyport/api"
)

// doctorRows are the rows of the doctor's pane, w cells wide: what was found, in
// the order in which it was, by hop.
func (s *screen) doctorRows(w int) []row {
	d := s.doctor
	p := &sheet{screen: s, host: d.host, w: w - 2}
	for i, f := range d.told {
		if i == 0 || f.Hop != d.told[i-1].Hop {
			p.hopHeading(f.Hop)
		}
		p.told(f, faultID(i))
	}
	if len(p.rows) > 0 {
		p.gap()
	}
	p.prognosis(d)
	return p.rows
}

func (p *sheet) hopHeading(hop string) {
	if len(p.rows) > 0 {
		p.gap()
	}
	p.add(line{{clean(cmp.Or(hop, "This machine")), p.screen.heading}})
}

// told is one finding. Only what is wrong can be under the cursor.
func (p *sheet) told(f *told, id string) {
	switch {
	case f.mended:
		p.say(0, "✓ ", span{"mended: " + clean(f.What), p.up})
		return
	case f.Outcome == api.DoctorHealthy:
		p.mark("✓ ", clean(f.What), span{style: p.up})
		return
	case f.Outcome == api.DoctorNoted:
		p.mark("· ", clean(f.What), span{style: p.dim})
		return
	}
	first := len(p.rows)
	p.say(0, "✗ ", span{clean(f.What), p.bad})
	p.rows[first].item = &item{id: id, about: "what is wrong"}
	if f.Why != "" {
		p.say(2, "", span{"why: " + clean(f.Why), p.dim})
	}
	if f.Fix != "" {
		fix := clean(f.Fix)
		if f.Ours {
			fix += "  (f does it)"
		}
		p.say(2, "→ ", span{fix, p.plain})
	}
	if f.failed != "" {
		p.say(2, "✗ ", span{f.failed, p.bad})
	}
}

// mark is plain text after a mark in a style of its own.
func (p *sheet) mark(mark, text string, in span) {
	for i, r := range wrap(text, p.w-cells(mark)) {
		if i > 0 {
			mark = strings.Repeat(" ", cells(mark))
		}
		p.add(line{{mark, in.style}, {r, p.plain}})
	}
}

// prognosis says what goes on, or what came out.
func (p *sheet) prognosis(d *doctor) {
	switch n := d.faults(); {
	case !d.since.IsZero():
		p.add(line{{"◐ ", p.busy}, {p.screen.since(d.doing, d.since), p.plain}})
		if d.step != "" {
			p.add(line{{"  " + fit(d.step, p.w-2), p.dim}})
		}
	case d.failed.Message != "":
		p.progress(&d.finding)
	case n > 0:
		p.mark("✗ ", count(n, "fault")+". f mends the one under the cursor or copies what does; r shows the report for a help desk.", span{style: p.bad})
	case d.mended():
		p.mark("● ", "All that was found is mended. d looks again.", span{style: p.up})
	default:
		p.mark("● ", "Nothing is wrong.", span{style: p.up})
	}
}

// mended tells whether something was.
func (d *doctor) mended() bool {
	for _, f := range d.told {
		if f.mended {
			return true
		}
	}
	return false
}

func (s *screen) settleDoctor(in rect) {
	d := s.doctor
	d.list.settle(len(s.doctorRows(in.w)), in.h)
	if d.report != nil {
		d.report.top = max(0, min(d.report.top, len(s.reportRows(in.w))-in.h))
	}
}

func (s *screen) drawDoctor(c canvas, r rect) {
	d := s.doctor
	c.fill(r, s.plain)
	if d.report != nil {
		c.frame(r, line{{"Report", s.title}, {" ─ ", s.focus}, {"not written yet; w writes " + d.report.name, s.plain}}, s.focus)
		s.drawRows(c, r, &detail{top: d.report.top}, s.reportRows(r.inner().w), false)
		return
	}
	title := line{{clean(d.host), s.title}, {" ─ ", s.focus}, {"doctor", s.plain}}
	if n := d.faults(); n > 0 {
		title = append(title, span{" ─ ", s.focus}, span{count(n, "fault"), s.bad})
	}
	c.frame(r, title, s.focus)
	s.drawRows(c, r, &d.list, s.doctorRows(r.inner().w), true)
}

// reportRows are the lines of the report, broken where they are too long.
func (s *screen) reportRows(w int) (rows []row) {
	for text := range strings.Lines(s.doctor.report.text) {
		for _, r := range wrap(clean(strings.TrimSuffix(text, "\n")), w-2) {
			rows = append(rows, row{line: line{{r, s.plain}}})
		}
	}
	return rows
}

// clickDoctor puts the cursor on a fault.
func (s *screen) clickDoctor(in rect, x, y int) {
	if s.doctor.report == nil {
		s.doctor.list.click(s.doctorRows(in.w), in, x, y)
	}
}

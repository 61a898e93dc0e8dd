package ui

import (
	"context"
	"path/filepath"
	"strconv"

	"sallyport/api"
)

// doctor looks for what is wrong with the way to a host, over the page. It dials
// by itself, hop by hop; what it has found can be mended until it is left.
type doctor struct {
	finding
	visit  visit
	told   []*told
	step   string // what the dial does
	over   bool   // all has been told
	report *report
}

// told is a finding, and what became of its fix.
type told struct {
	api.DoctorFinding
	mended bool
	failed string // why it could not be mended
}

// report is what a help desk asks for, before it is written.
type report struct {
	text string
	name string // of its file, in the working directory
	top  int
}

// callDoctor has the doctor look at the selected host.
func (s *screen) callDoctor() {
	name, _ := s.list.selected()
	s.doctor = &doctor{finding: finding{host: name}}
	s.visitHost()
}

// visitHost begins a visit, and ends the one before.
func (s *screen) visitHost() {
	d := &doctor{finding: finding{host: s.doctor.host, stop: s.doctor.stop}}
	s.doctor = d
	ctx := s.begin(&d.finding, "Looking at the way to "+clean(d.host)+"…")
	s.spawn(func() {
		v, err := s.b.Visit(d.host, func(ctx context.Context, q api.Question) (api.Answer, bool) { return s.interview(ctx, q) })
		s.in.do(func() {
			if d.visit = v; err != nil && ctx.Err() == nil {
				d.came(s, err)
			}
		})
		if err != nil {
			return
		}
		v.Attend(ctx, func(n api.VisitNews) {
			s.in.do(func() {
				if ctx.Err() == nil {
					d.take(s, n)
				}
			})
		})
	})
}

// take keeps what the doctor tells.
func (d *doctor) take(s *screen, n api.VisitNews) {
	switch {
	case n.Finding != nil:
		d.told, d.step = append(d.told, &told{DoctorFinding: *n.Finding}), ""
	case n.Over:
		d.came(s, nil)
		d.over = true
		s.toFirstFault()
	default:
		d.step = clean(n.Step)
	}
	if !d.over && d.list.at == "" {
		d.list.top = 1 << 30 // the newest is in sight
	}
}

// toFirstFault puts the cursor on the first fault.
func (s *screen) toFirstFault() {
	if in := s.layout().body.inner(); s.doctor.list.at == "" {
		s.doctor.list.top = 0
		s.doctor.list.move(0, s.doctorRows(in.w), in.h)
	}
}

// faults counts what is wrong and not mended yet.
func (d *doctor) faults() (n int) {
	for _, f := range d.told {
		if f.Outcome == api.DoctorWrong && !f.mended {
			n++
		}
	}
	return n
}

func faultID(i int) string { return strconv.Itoa(i) }

// fault is the one under the cursor, nil if there is none.
func (s *screen) fault() *told {
	d := s.doctor
	it := d.under(s.doctorRows(s.layout().body.inner().w))
	for i := range d.told {
		if it != nil && it.id == faultID(i) {
			return d.told[i]
		}
	}
	return nil
}

func noFault(s *screen) string {
	switch f := s.fault(); {
	case f == nil && s.doctor.over:
		return "Nothing is wrong."
	case f == nil:
		return "Nothing wrong has been found yet."
	case f.mended:
		return "It is mended. d looks again."
	case f.Fix == "":
		return "There is no command that mends it."
	}
	return ""
}

func (s *screen) hasFault() bool { return noFault(s) == "" }

// fixFault mends what is ours to mend, once that was agreed to; else the command
// is copied.
func (s *screen) fixFault() {
	f := s.fault()
	if !f.Ours {
		s.copyFix(f.Fix)
		return
	}
	d, v := s.doctor, s.doctor.visit
	do := func() {
		s.act(func(ctx context.Context) error { return v.Mend(ctx, f.DoctorFinding) }, func(err error) { s.fixed(d, f, err) })
	}
	s.choice("Mend this?", button{"Do it", 'd', do}, button{label: "Leave it", key: 'l'}, f.What, f.Fix)
}

func (s *screen) fixed(d *doctor, f *told, err error) {
	if err != nil {
		message, hint := sentence(err)
		f.failed = message
		s.fail(d.host, message, hint)
		return
	}
	f.mended, f.failed = true, ""
	s.note(d.host, "mended: "+f.What, f.Fix)
	s.tell("Done: " + f.Fix + ". d looks again.")
}

func noReport(s *screen) string {
	if !s.doctor.over {
		return "The report is there when the doctor has looked at everything."
	}
	return ""
}

func (s *screen) hasReport() bool { return s.doctor.over }

// showReport writes the report, and shows it; only w makes it a file.
func (s *screen) showReport() {
	d := s.doctor
	s.tell("Writing the report…")
	s.spawn(func() {
		text, err := d.visit.Report(s.ctx)
		s.in.do(func() {
			if s.doctor != d {
				return
			}
			if err != nil {
				message, hint := sentence(err)
				s.fail(d.host, message, hint)
				return
			}
			s.notice, d.report = nil, &report{text: text, name: api.ReportName(s.now())}
		})
	})
}

func (s *screen) closeReport() { s.doctor.report = nil }

func (s *screen) writeReport() {
	d := s.doctor
	name, text := d.report.name, d.report.text
	if path, err := filepath.Abs(name); err == nil {
		name = path
	}
	s.act(func(context.Context) error { return s.b.WriteReport(name, text) }, func(err error) {
		if err != nil {
			message, hint := sentence(err)
			s.fail(d.host, message, hint)
			return
		}
		s.note(d.host, "the report is written: "+tilde(name), "")
		s.tell("Written: " + tilde(name) + ". Nobody but you can read it.")
		if s.doctor == d {
			d.report = nil
		}
	})
}

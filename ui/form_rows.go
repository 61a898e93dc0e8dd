package ui

import (
	"slices"
	"strings"

	"sallyport/api"
)

// rowKind is what a row of a form is about.
type rowKind int

const (
	rowName rowKind = iota
	rowTags
	rowLine      // a line of the host's own
	rowAdded     // a line that is pending
	rowUnset     // an option that nearly every host has, and this one not
	rowHeading   // between these and the others
	rowElsewhere // a line for other hosts, too
)

// formRow is a row of a form.
type formRow struct {
	kind    rowKind
	keyword string // as written
	value   string // as it will be
	comment string
	origin  api.Origin
	locked  string
	change  *change // what is pending of it
}

// option tells a row that is a keyword with a value.
func (r formRow) option() bool { return r.kind != rowName && r.kind != rowTags && r.kind != rowHeading }

// own tells a line in the host's own block, or on its way there.
func (r formRow) own() bool { return r.kind == rowLine || r.kind == rowAdded }

// usual are the options that a person looks for first.
var usual = []string{"HostName", "User", "Port", "ProxyJump", "IdentityFile"}

// rows are everything in the form from top to bottom.
func (f *form) rows() []formRow {
	if f.base == nil {
		return nil
	}
	rows := []formRow{
		{kind: rowName, keyword: "Name", value: f.name},
		{kind: rowTags, keyword: "Tags", value: strings.Join(f.tags, ", ")},
	}
	waiting := slices.Clone(f.changes)
	var others []formRow
	for _, l := range f.base.Lines {
		row := formRow{keyword: l.Key, value: l.Value, comment: l.Comment, origin: l.Origin, locked: l.Locked}
		if row.kind = rowElsewhere; l.Locked != "" {
			others = append(others, row)
			continue
		}
		row.kind = rowLine
		i := slices.IndexFunc(waiting, func(c *change) bool { return strings.EqualFold(c.keyword, l.Key) && c.was == l.Value })
		if i >= 0 {
			row.change = waiting[i]
			row.value = waiting[i].value
			waiting = slices.Delete(waiting, i, i+1)
		}
		rows = append(rows, row)
	}
	for _, c := range waiting {
		rows = append(rows, formRow{kind: rowAdded, keyword: c.keyword, value: c.value, change: c})
	}
	for _, keyword := range usual {
		if !mentions(rows, keyword) && !mentions(others, keyword) {
			rows = append(rows, formRow{kind: rowUnset, keyword: keyword})
		}
	}
	if len(others) > 0 {
		rows = append(rows, formRow{kind: rowHeading})
	}
	return append(rows, others...)
}

func mentions(rows []formRow, keyword string) bool {
	return slices.ContainsFunc(rows, func(r formRow) bool { return strings.EqualFold(r.keyword, keyword) })
}

// current is the row under the cursor.
func (f *form) current() formRow {
	if rows := f.rows(); f.cursor < len(rows) {
		return rows[f.cursor]
	}
	return formRow{kind: rowHeading}
}

// move moves the cursor, past the heading.
func (f *form) move(n int) {
	rows := f.rows()
	f.cursor = max(0, min(f.cursor+n, len(rows)-1))
	if len(rows) == 0 || rows[f.cursor].kind != rowHeading {
		return
	}
	if n < 0 {
		f.cursor--
	} else {
		f.cursor++
	}
}

// seek puts the cursor on the line that sets an option.
func (f *form) seek(o api.Option) {
	for i, r := range f.rows() {
		if r.option() && r.origin.File == o.Origin.File && r.origin.Line == o.Origin.Line {
			f.cursor = i
			return
		}
	}
}

// settle brings the cursor into sight.
func (f *form) settle(body rect) {
	area, _ := formAreas(body)
	if f.picker != nil {
		f.picker.settle(pickerArea(area).h)
	}
	height := area.h
	f.move(0)
	rows := len(f.rows())
	f.top = max(0, min(f.top, rows-height), f.cursor-height+1)
	f.top = min(f.top, f.cursor)
}

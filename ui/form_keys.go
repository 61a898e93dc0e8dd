package ui

import (
	"context"
	"slices"
	"strings"

	"sallyport/api"
)

// Why a key does not apply in a form.

func noForm(s *screen) string {
	switch {
	case s.form.base == nil:
		return "The form is still being read."
	case s.form.busy != "":
		return s.form.busy
	}
	return ""
}

func noOwnRow(s *screen) string {
	if reason := noForm(s); reason != "" {
		return reason
	}
	switch row := s.form.current(); {
	case row.kind == rowName || row.kind == rowTags:
		return "Enter changes this row. D in the list removes the host."
	case row.locked != "":
		return clean(row.locked) + ". Enter gives the host a value of its own."
	case !row.own():
		return "There is no such line to remove."
	}
	return ""
}

func noChange(s *screen) string {
	if reason := noForm(s); reason != "" {
		return reason
	}
	if s.sign(s.form.current()).text == " " {
		return "Nothing is pending of this row."
	}
	return ""
}

func reviewBusy(s *screen) string {
	if s.review.busy {
		return "It is being written."
	}
	return ""
}

// hasChoices tells whether the option that is being typed takes one of some
// words.
func (s *screen) hasChoices() bool { return len(s.form.choices(s.form.typing.of)) > 0 }

// What the keys do in a form.

// formEnter begins to type the value of the row under the cursor. What is set
// elsewhere gets a line of the host's own.
func (s *screen) formEnter() {
	row := s.form.current()
	switch row.kind {
	case rowLine, rowAdded, rowName, rowTags:
		s.typeInto(row)
	case rowElsewhere, rowUnset:
		if s.form.keyword(row.keyword).Help == "" { // an Include
			s.tell("Not changed here: " + clean(row.locked) + ".")
			return
		}
		s.addLine(row.keyword)
	}
}

// addLine begins a line for a keyword. One that takes a single value and has a
// line already gets no second one.
func (s *screen) addLine(keyword string) {
	f := s.form
	k := f.keyword(keyword)
	if k.Lacking != "" {
		s.tell(k.Name + " " + k.Lacking + ".")
		return
	}
	rows := f.rows()
	if i := slices.IndexFunc(rows, func(r formRow) bool { return r.own() && strings.EqualFold(r.keyword, keyword) }); i >= 0 && !k.Several {
		f.cursor = i
		s.typeInto(rows[i])
		return
	}
	c := &change{keyword: keyword}
	f.changes = append(f.changes, c)
	rows = f.rows()
	f.cursor = slices.IndexFunc(rows, func(r formRow) bool { return r.change == c })
	s.typeInto(rows[f.cursor])
}

// addForward begins a LocalForward, the usual kind; the others are found by
// their keywords.
func (s *screen) addForward() { s.addLine("LocalForward") }

func (s *screen) typeInto(row formRow) {
	if c := row.change; c != nil && c.value == "" {
		row.value = c.was
	}
	if !fits(row.value) {
		s.tell("This value cannot be shown in a field: e in the list opens it in the editor.")
		return
	}
	s.form.typing, s.form.said = newEntry(row, row.value), nil
}

// formTyped judges what was typed so far.
func (s *screen) formTyped() {
	e := s.form.typing
	e.why = ""
	known := e.of.option() && s.form.keyword(e.of.keyword).Help != "" // what IgnoreUnknown lets pass is not judged here
	if text := e.value(); text != "" && known {
		e.why = s.form.inv.Judge(e.of.keyword, text)
	}
}

// formAccept takes what was typed, unless ssh would refuse it.
func (s *screen) formAccept() {
	f := s.form
	s.formTyped()
	e := f.typing
	if e.why != "" {
		return
	}
	f.typing = nil
	switch row := e.of; {
	case e.value() == e.was && e.was != "":
	case row.kind == rowName:
		if e.value() != "" || f.host == "" {
			f.name = e.value()
		}
	case row.kind == rowTags:
		f.setTags(e.value())
	default:
		f.set(row, e.value())
	}
	if f.host == "" {
		f.move(1)
	}
	s.askNext()
}

// formCancel forgets what was typed.
func (s *screen) formCancel() {
	f := s.form
	row := f.typing.of
	f.typing = nil
	if c := row.change; c != nil && c.was == "" && c.value == "" {
		f.drop(c)
	}
	s.askNext()
}

// nextChoice puts the next of the words that an option takes into its field.
func nextChoice(n int) func(*screen) {
	return func(s *screen) {
		e := s.form.typing
		choices := s.form.choices(e.of)
		if len(choices) == 0 {
			s.tell("Type a value: how it is written stands below.")
			return
		}
		at := slices.Index(choices, strings.ToLower(e.value()))
		if at < 0 && n < 0 {
			at = 0
		}
		e.put(choices[(at+n+len(choices))%len(choices)])
		s.formTyped()
	}
}

// formRemove marks the line under the cursor as one to go, or keeps it after
// all.
func (s *screen) formRemove() {
	f := s.form
	switch row := f.current(); {
	case row.kind == rowAdded:
		f.drop(row.change)
	case row.change != nil && row.change.value == "":
		f.drop(row.change)
	default:
		f.set(row, "")
	}
}

// formUndo takes back what is pending of the row under the cursor.
func (s *screen) formUndo() {
	f := s.form
	switch row := f.current(); row.kind {
	case rowName:
		f.name = f.host
	case rowTags:
		f.tags, f.tagged = f.base.Tags, false
	default:
		f.drop(row.change)
	}
}

// formLeave closes the form; it asks if something would be lost.
func (s *screen) formLeave() {
	f := s.form
	n := f.pending()
	if n == 0 {
		s.form = nil
		return
	}
	keep := func() { s.dialog = nil; s.askNext() }
	verb := " is not saved."
	if n > 1 {
		verb = " are not saved."
	}
	s.dialog = &dialog{
		title:  "Leave without saving?",
		body:   []paragraph{{text: count(n, "change") + " of " + f.title() + verb, style: s.plain}},
		focus:  -1,
		escape: keep,
		buttons: []button{
			{"Keep editing", 'k', keep},
			{"Discard", 'd', func() { s.form = nil; keep() }},
		},
	}
}

// formSave has the pending changes proved, and then shows what they make of
// the file.
func (s *screen) formSave() {
	f := s.form
	if f.typing != nil {
		if s.formAccept(); f.typing != nil {
			return
		}
	}
	f.said = nil
	switch {
	case f.host == "" && f.name == "":
		f.cursor = 0
		f.said = []span{{"A host needs a name: Enter on the first row.", s.bad}}
		return
	case f.pending() == 0:
		s.tell("Nothing is changed.")
		return
	}
	f.busy = "Looking what that makes of the file…"
	s.propose(f.edits(), func(c *api.Change, err error) {
		if s.form != f {
			return
		}
		f.busy = ""
		switch {
		case err != nil:
			f.refused(s, err)
		case c.Empty():
			s.tell("The file stays as it is: ssh takes these values anyway.")
		default:
			s.review = &review{title: "Write " + tilde(c.File) + "?", remarks: s.renameRemarks(f), change: c, host: f.name}
		}
	})
}

// refused keeps why the changes cannot be saved beside them.
func (f *form) refused(s *screen, err error) {
	message, hint := sentence(err)
	f.said = []span{{message, s.bad}}
	if hint != "" {
		f.said = append(f.said, span{hint, s.plain})
	}
}

// propose lets edits be proved outside the loop.
func (s *screen) propose(edits []api.Edit, then func(*api.Change, error)) {
	inv := s.inv
	var change *api.Change
	s.act(func(ctx context.Context) (err error) {
		change, err = inv.Propose(ctx, edits...)
		return err
	}, func(err error) { then(change, err) })
}

// renameRemarks tell what a new name does not take along.
func (s *screen) renameRemarks(f *form) []string {
	if f.host == "" || f.name == f.host {
		return nil
	}
	if l := s.link(f.host); l != nil && l.State == api.LinkUp {
		return []string{"The open connection keeps the name " + clean(f.host) + " until it is closed."}
	}
	return nil
}

// editHost opens the form of the selected host.
func (s *screen) editHost() {
	name, _ := s.list.selected()
	s.openForm(name, nil)
}

// newHost opens the form of a host that is to be made, at its name.
func (s *screen) newHost() {
	s.openForm("", func() { s.formEnter() })
}

// newForward opens the form of the selected host at a new forward.
func (s *screen) newForward() {
	name, _ := s.list.selected()
	s.openForm(name, s.addForward)
}

// editOption opens the form of the selected host at a keyword.
func (s *screen) editOption(o api.Option) {
	name, _ := s.list.selected()
	s.openForm(name, func() { s.form.seek(o) })
}

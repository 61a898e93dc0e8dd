package ui

import (
	"slices"
	"strings"

	"sallyport/api"
)

// form is what the configuration says of a host, under edit. What is pending
// is kept apart from what the file says, so that the file can be read again
// meanwhile.
type form struct {
	host string    // "" for a new one
	base *api.Form // nil until it has been read
	inv  inventory // that base is from

	name    string // as it will be
	tags    []string
	tagged  bool // tags are not those of base
	changes []*change

	cursor int // among rows
	top    int
	typing *entry
	picker *picker
	said   []span // why it cannot be saved; until something else is done
	busy   string // what is being waited for
	then   func() // goes on once it has been read; nil from then on
}

// change is what will become of one line.
type change struct {
	keyword string
	was     string // its value; "" for a line that is to be added
	value   string // "" for one that is to be removed
}

// openForm shows the form of a host, "" for a new one. then goes on once it
// has been read.
func (s *screen) openForm(host string, then func()) {
	s.form = &form{host: host, name: host, then: then}
	s.readForm(s.form)
}

// readForm reads what the file says, for the first time or again.
func (s *screen) readForm(f *form) {
	inv := s.inv
	s.look(func() {
		base := inv.Form(f.host)
		s.in.do(func() {
			if s.form != f || s.inv != inv {
				return
			}
			f.base, f.inv = &base, inv
			if !f.tagged {
				f.tags = base.Tags
			}
			if then := f.then; then != nil {
				f.then = nil
				then()
			}
			s.replay()
		})
	})
}

// pending counts what would be lost.
func (f *form) pending() int {
	n := 0
	for _, c := range f.changes {
		if c.value != "" || c.was != "" {
			n++
		}
	}
	if f.tagged {
		n++
	}
	if f.name != f.host {
		n++
	}
	return n
}

// edits are the pending changes in the order in which they can be made: the
// new name comes last, since the others go by the old one.
func (f *form) edits() []api.Edit {
	if f.host == "" {
		add := api.AddHost{Name: f.name, Tags: f.tags}
		for _, c := range f.changes {
			add.Options = append(add.Options, api.Assignment{Keyword: c.keyword, Value: c.value})
		}
		return []api.Edit{add}
	}
	var changed, removed, added []api.Edit
	for _, c := range f.changes {
		switch {
		case c.was != "" && c.value == "":
			removed = append(removed, api.RemoveOption{Host: f.host, Keyword: c.keyword, Value: c.was})
		case c.was != "":
			changed = append(changed, api.ChangeOption{Host: f.host, Keyword: c.keyword, Was: c.was, Value: c.value})
		case f.keyword(c.keyword).Several:
			added = append(added, api.AddOption{Host: f.host, Keyword: c.keyword, Value: c.value})
		default:
			added = append(added, api.SetOption{Host: f.host, Keyword: c.keyword, Value: c.value})
		}
	}
	all := slices.Concat(changed, removed, added)
	if f.tagged {
		all = append(all, api.SetTags{Host: f.host, Tags: f.tags})
	}
	if f.name != f.host {
		all = append(all, api.RenameHost{Old: f.host, New: f.name})
	}
	return all
}

// keyword is the row of the table for a keyword, an empty one where it has
// none.
func (f *form) keyword(name string) api.Keyword {
	for _, k := range f.base.Keywords {
		if strings.EqualFold(k.Name, name) {
			return k
		}
	}
	return api.Keyword{Name: name}
}

// idle tells a line that would say only what ssh takes by default. An edit
// writes no such line.
func (f *form) idle(c *change) bool {
	now := f.base.InForce[f.keyword(c.keyword).Name]
	return c.was == "" && len(now) == 1 && now[0].Origin == (api.Origin{}) && now[0].Value == c.value && !f.keyword(c.keyword).Several
}

// drop takes a change back.
func (f *form) drop(c *change) {
	f.changes = slices.DeleteFunc(f.changes, func(d *change) bool { return d == c })
}

// where is the part of the form that has the keys.
func (f *form) where() where {
	switch {
	case f.picker != nil:
		return inPicker
	case f.typing != nil:
		return inEntry
	}
	return inForm
}

// busyTyping tells whether a question has to wait; false without a form.
func (f *form) busyTyping() bool { return f != nil && f.where() != inForm }

func (f *form) setTags(list string) {
	f.tags = nil
	for tag := range strings.SplitSeq(list, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			f.tags = append(f.tags, tag)
		}
	}
	f.tagged = !slices.Equal(f.tags, f.base.Tags)
}

// set makes a value that of a row; the row of a line keeps the change.
func (f *form) set(row formRow, value string) {
	c := row.change
	if c == nil {
		c = &change{keyword: row.keyword, was: row.value}
		f.changes = append(f.changes, c)
	}
	if c.value = value; c.value == c.was {
		f.drop(c)
	}
}

// choices are the words that the option of a row takes.
func (f *form) choices(row formRow) []string {
	if !row.option() {
		return nil
	}
	return f.keyword(row.keyword).Choices
}

// title is what is edited.
func (f *form) title() string {
	if f.host == "" {
		return "the new host"
	}
	return clean(f.host)
}

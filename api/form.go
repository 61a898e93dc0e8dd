package api

import (
	"context"
	"fmt"
	"slices"

	"sallyport/config"
)

// Form is what the configuration says of one host, as a person edits it. No
// text in it is printable yet.
type Form struct {
	Host     string // "" for one that is to be made
	File     string // where it stands, or will
	Line     int    // of its Host line; 0 for one that is to be made
	Tags     []string
	Lines    []FormLine // those of its own blocks as written, then what is set for it elsewhere
	Keywords []config.Keyword
	InForce  map[string][]config.Option // what ssh takes now, by keyword; without an Origin it is a default
	Opaque   bool                       // a line of its blocks could not be taken apart, and is not here
}

// FormLine is a line that gives the host an option.
type FormLine struct {
	Keyword string // as ssh_config(5) spells it
	config.Setting
	Origin config.Origin
	Locked string // why it is not changed where it stands, one clause; "" if it is the host's own
}

// unlisted is a name that no configuration has: what is in force for it holds
// for a new host, too.
const unlisted = "unlisted.invalid"

// Form reads what a person may edit of a host; of a new one for the name "".
func (v *Inventory) Form(name string) Form {
	f := Form{Host: name, File: v.Path(), Keywords: v.cfg.Keywords(), InForce: map[string][]config.Option{}}
	if e, ok := v.cfg.Entry(name); ok {
		f.File, f.Line, f.Tags = e.Origin.File, e.Origin.Line, slices.Clone(e.Tags)
	}
	seen := map[string]bool{}
	blocks, ok := v.cfg.Blocks(name)
	f.Opaque = !ok
	for _, b := range blocks {
		for _, s := range b.Settings {
			line := v.formLine(b, s)
			seen[line.Origin.String()] = true
			f.Lines = append(f.Lines, line)
		}
	}
	resolved := name
	if name == "" {
		resolved = unlisted
	}
	host, _ := v.cfg.Resolve(resolved, config.Match{}) // what ssh refuses stands beside the host already
	for o := range host.AllOptions() {
		if name == "" && o.Value == unlisted {
			continue
		}
		f.InForce[o.Key] = append(f.InForce[o.Key], o)
		if o.Origin != (config.Origin{}) && !seen[o.Origin.String()] {
			f.Lines = append(f.Lines, FormLine{o.Key, config.Setting{Key: o.Key, Value: o.Value, Line: o.Origin.Line}, o.Origin, v.elsewhere(o.Origin)})
		}
	}
	return f
}

// formLine is a line of a block that names the host.
func (v *Inventory) formLine(b *config.Block, s config.Setting) FormLine {
	line := FormLine{Keyword: v.cfg.Canonical(s.Key), Setting: s, Origin: b.Origin}
	line.Origin.Line = s.Line
	switch {
	case v.cfg.System(b.Origin.File):
		line.Locked = v.elsewhere(b.Origin)
	case line.Keyword == "Include":
		line.Locked = "it includes a file, which is edited by itself"
	case !b.Own:
		line.Locked = fmt.Sprintf("%q is for other hosts, too", b.Origin.Block)
	}
	return line
}

// elsewhere is why a line that does not stand in a block of the host is not
// changed.
func (v *Inventory) elsewhere(at config.Origin) string {
	switch {
	case v.cfg.System(at.File):
		return at.File + " is the system's, and is not edited"
	case at.Block == "":
		return "it stands above all blocks and is for every host"
	}
	return fmt.Sprintf("%q is for other hosts, too", at.Block)
}

// Judge is why ssh would refuse a value of an option, "" if it would not. It
// is quick, and may be asked at every key.
func (v *Inventory) Judge(keyword, value string) string { return v.cfg.Judge(keyword, value) }

// Propose makes edits and has the result judged, by the installed ssh too. It
// writes nothing: the Change does, when it is applied.
func (v *Inventory) Propose(ctx context.Context, edits ...config.Edit) (*config.Change, error) {
	change, err := v.cfg.Edit(edits...)
	if err != nil {
		return nil, AsError(err)
	}
	if err := change.Check(ctx); err != nil {
		return nil, AsError(err)
	}
	return change, nil
}

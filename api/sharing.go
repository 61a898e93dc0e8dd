package api

import (
	"slices"

	"sallyport/config"
)

// Sharing are the edits after which ssh, scp, git and their like use the
// connection to a host that there is, be it one of ssh's or one of ours, and
// leave theirs to others. What the host has already it keeps: another
// ControlPath is as good.
func (v *Inventory) Sharing(name string) []config.Edit {
	host, _ := v.cfg.Resolve(name, config.Match{}) // what is wrong with it, the edits will meet
	var edits []config.Edit
	for _, o := range []config.SetOption{
		{Host: name, Keyword: "ControlMaster", Value: "auto"},
		{Host: name, Keyword: "ControlPath", Value: "~/.ssh/cm-%C"}, // %C is short enough for a socket
		{Host: name, Keyword: "ControlPersist", Value: "10m"},
	} {
		if slices.Contains([]string{"", "no", "false", "none"}, host.Get(o.Keyword)) {
			edits = append(edits, o)
		}
	}
	return edits
}

package api

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"sallyport/config"
	"sallyport/tunnels"
)

// HostForwards are the forwards that the configuration gives a host.
type HostForwards struct {
	Host     string    `json:"host"`
	Forwards []Forward `json:"forwards"`
}

// Forwards lists the hosts that have forwards, in file order. It resolves
// every host: with ten thousand of them that takes a while.
func (v *Inventory) Forwards() []HostForwards {
	var all []HostForwards
	for _, name := range v.Names() {
		host, _ := v.cfg.Resolve(name, config.Match{}) // what is wrong with it stands in its detail
		h := HostForwards{Host: name}
		for _, f := range host.Forwards() {
			h.Forwards = append(h.Forwards, forward(v.Path(), host, f))
		}
		if h.Forwards != nil {
			all = append(all, h)
		}
	}
	return all
}

// ReadForward reads a forward as a person types it: what ssh takes behind -L,
// or with "-R" or "-D" before it, behind these. A port alone is that port at
// the far side. It gives the keyword of ssh_config, too.
func ReadForward(text string) (keyword string, s tunnels.Spec, err error) {
	keyword, text = "LocalForward", strings.TrimSpace(text)
	for flag, k := range map[string]string{"-L": "LocalForward", "-R": "RemoteForward", "-D": "DynamicForward"} {
		if rest, ok := strings.CutPrefix(text, flag); ok {
			keyword, text = k, strings.TrimSpace(rest)
			break
		}
	}
	if _, err := strconv.ParseUint(text, 10, 16); err == nil && keyword == "LocalForward" {
		text += ":localhost:" + text
	}
	if s, err = ParseForward(keyword, text); err != nil {
		return "", tunnels.Spec{}, err
	}
	here := s.Listen.Path
	if s.Kind == tunnels.Remote {
		here = s.Connect.Path
	}
	if here != "" && !filepath.IsAbs(here) {
		return "", tunnels.Spec{}, errors.New("the path of a socket here has to begin with a slash")
	}
	return keyword, s, nil
}

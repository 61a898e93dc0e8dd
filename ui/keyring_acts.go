package ui

import (
	"context"
	"slices"
	"strings"

	"sallyport/api"
)

// currentKey is the pair that is told in full, or the one under the cursor; nil
// if there is none.
func (s *screen) currentKey() *api.KeyPair {
	k := &s.keyring
	if k.shown != "" {
		return k.pair(k.shown)
	}
	at := places(k.rows)
	if len(at) == 0 {
		return nil
	}
	return k.rows[at[k.cursor(k.rows, at)]].item.pair
}

// Why a key of the keyboard does not apply to a pair.

func noKey(s *screen) string {
	if s.currentKey() == nil {
		return "There is no key here."
	}
	return ""
}

func noKeyFinding(s *screen) string {
	if reason := noKey(s); reason != "" {
		return reason
	}
	if len(s.currentKey().Findings) == 0 {
		return "Nothing is wrong with this key."
	}
	return ""
}

func noKeyLine(s *screen) string {
	if reason := noKey(s); reason != "" {
		return reason
	}
	if s.currentKey().Line() == "" {
		return "Its public half is not known."
	}
	return ""
}

func (s *screen) hasKey() bool        { return noKey(s) == "" }
func (s *screen) hasKeyFinding() bool { return noKeyFinding(s) == "" }
func (s *screen) hasKeyLine() bool    { return noKeyLine(s) == "" }

// What the keys of the keyboard do.

func (s *screen) openKey() {
	s.keyring.shown, s.keyring.pane = keyID(s.currentKey()), detail{}
}

func (s *screen) closeKey() { s.keyring.shown = "" }

// fixKey mends what is ours to mend; else the command for the gravest fault is
// copied.
func (s *screen) fixKey() {
	pair := s.currentKey()
	i := slices.IndexFunc(pair.Findings, api.KeyFinding.Ours)
	if i < 0 {
		s.copyFix(pair.Findings[0].Fix)
		return
	}
	path, f := pair.Path, pair.Findings[i]
	s.act(func(context.Context) error { return s.b.MendKey(path, f) }, func(err error) {
		if err != nil {
			message, hint := sentence(err)
			s.fail("", message, hint)
			return
		}
		s.tell("Done: " + clean(f.Fix))
		s.note("", "mended "+tilde(path)+": "+clean(f.Message), clean(f.Fix))
		s.followKeys()
	})
}

// copyFix puts a command that a person has to give on the clipboard.
func (s *screen) copyFix(command string) {
	s.term.SetClipboard([]byte(command))
	s.tell("Copied: " + clean(command))
}

// copyKey puts the public line on the clipboard.
func (s *screen) copyKey() {
	pair := s.currentKey()
	s.term.SetClipboard([]byte(pair.Line()))
	s.tell("Copied the public half of " + pairName(pair) + ", one line.")
}

// clickKeys puts the cursor on a pair; a double click tells it in full.
func (s *screen) clickKeys(in rect, x, y int, double bool) {
	k := &s.keyring
	if k.shown == "" && k.click(k.rows, in, x, y) && double {
		s.openKey()
	}
}

// keyDetail is all that is known of the pair that is told in full, for a pane w
// cells wide.
func (s *screen) keyDetail(w int) []row {
	pair := s.keyring.pair(s.keyring.shown)
	if pair == nil || w < 20 {
		return nil
	}
	p := &sheet{screen: s, w: w - 2}
	e := entryOf(pair)
	p.fact("Type", e.kind)
	p.fact("Comment", clean(pair.Comment))
	p.fact("SHA256", strings.TrimPrefix(pair.SHA256, "SHA256:"))
	p.fact("MD5", strings.TrimPrefix(pair.MD5, "MD5:"))
	if pair.Private != nil {
		p.fact("Private", clean(pair.Private.String()))
		p.fact("Mode", strings.TrimRight(pair.Mode+", of "+clean(pair.Owner), " ,of"))
	}
	if pair.PublicFile != "" {
		p.fact("Public", pairName(pair)+".pub is "+pair.PublicFile)
	}
	p.fact("Agent", map[bool]string{true: "holds it", false: "does not hold it"}[pair.InAgent])
	if c := pair.Certificate; c != nil {
		p.certificate(c.ID, c.Principals, c.Validity())
	}
	p.fact("Hosts", hostsText(pair.Hosts))
	if len(pair.Findings) > 0 {
		p.heading("What is wrong")
		p.faults(pair)
	}
	if art := pair.Art(); art != "" {
		p.gap()
		for _, l := range strings.Split(art, "\n") {
			p.add(line{{l, p.plain}})
		}
	}
	return p.rows
}

// factWidth is that of the names of facts.
const factWidth = 10

// fact is a name and what is so called, in several rows if need be.
func (p *sheet) fact(name, value string) {
	for _, r := range wrap(value, p.w-factWidth) {
		if r == "" {
			continue
		}
		p.add(line{{pad(name, factWidth), p.dim}, {r, p.plain}})
		name = ""
	}
}

func (p *sheet) certificate(id string, principals []string, validity string) {
	whom := "everybody"
	if len(principals) > 0 {
		whom = clean(and(principals...))
	}
	p.fact("Signed", clean(id)+", for "+whom+", "+validity)
}

func hostsText(hosts []string) string {
	if len(hosts) == 0 {
		return "none of the configuration offers it"
	}
	return clean(and(hosts...))
}

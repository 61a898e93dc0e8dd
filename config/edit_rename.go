package config

import (
	"slices"
	"strings"
)

// RenameHost gives a host another name: on its Host lines, and in the
// ProxyJump of others. What it dials stays the same.
type RenameHost struct {
	Old, New string
}

func (e RenameHost) apply(d *draft) error {
	own, shared := d.now.sections(e.Old)
	if len(own)+len(shared) == 0 {
		return unknownHost(e.Old)
	}
	if e.Old == e.New {
		return nil
	}
	if err := d.checkNewName(e.New); err != nil {
		return err
	}
	d.touch(e.New)
	d.touch(e.Old)
	if d.renamed == nil {
		d.renamed = map[string]string{}
	}
	d.renamed[e.Old] = e.New
	was, _ := d.now.Resolve(e.Old, Match{})
	if err := d.renameWords(e.Old, e.New); err != nil {
		return err
	}
	if err := d.renameJumps(e.Old, e.New); err != nil {
		return err
	}
	is, _ := d.now.Resolve(e.New, Match{})
	if len(was.r.set[kHostName]) == 0 && is.HostName() != was.HostName() {
		if len(own) == 0 {
			return sharedLine(shared[0], e.Old)
		}
		if err := d.add(e.New, kHostName, keywords[kHostName].name, Quote(e.Old)); err != nil {
			return err
		}
		is, _ = d.now.Resolve(e.New, Match{})
	}
	return sameMeaning(e, was, is)
}

// renameWords writes the new name on all Host lines, also where it is
// excluded.
func (d *draft) renameWords(old, new string) error {
	for {
		s, i, ok := d.now.findWord(old)
		if !ok {
			return nil
		}
		span := s.file.wordSpans(s.file.blocks[s.block].from)[i]
		if strings.HasPrefix(s.words()[i], "!") {
			new = "!" + strings.TrimPrefix(new, "!")
		}
		if err := d.splice(s.file, span[0], span[1], new); err != nil {
			return err
		}
		new = strings.TrimPrefix(new, "!")
	}
}

// findWord is a word of a Host line that names or excludes a host.
func (c *Config) findWord(host string) (section, int, bool) {
	for _, f := range c.reading {
		for b, block := range f.blocks {
			if block.kind != kHost || f.directives[block.from].bad || !strings.Contains(f.directives[block.from].rest, host) {
				continue
			}
			s := section{f, int32(b)}
			if i := slices.IndexFunc(s.words(), func(w string) bool { return w == host || w == "!"+host }); i >= 0 {
				return s, i, true
			}
		}
	}
	return section{}, 0, false
}

// renameJumps writes the new name into the jumps of others.
func (d *draft) renameJumps(old, new string) error {
	for {
		at, ok := d.now.through(old)
		if !ok {
			return nil
		}
		from, to := at.file.valueSpan(at.line)
		text, named := renameHops(at.file.text[from:to], old, new)
		if !named {
			return refuse("change that line first", "a host is reached through %s: %s %s at %s", quoteHost(old),
				at.file.keyword(at.line), Printable(at.file.value(at.line)), Printable(at.origin().String()))
		}
		if err := d.splice(at.file, from, to, text); err != nil {
			return err
		}
	}
}

// renameHops puts another name in place of a host in a list of jumps. It
// tells whether the host was there.
func renameHops(list, old, new string) (string, bool) {
	text, comment := list, ""
	if i := strings.IndexAny(list, "# \t"); i >= 0 { // as parseJump
		text, comment = list[:i], list[i:]
	}
	hops := strings.Split(text, ",")
	named := false
	for i, hop := range hops {
		start := len(hop) - len(strings.TrimPrefix(hop, "ssh://"))
		start = max(start, strings.LastIndexByte(hop, '@')+1)
		host, rest := hop[start:], ""
		if n := strings.IndexByte(host, ']'); strings.HasPrefix(host, "[") && n > 0 {
			host, rest = host[:n+1], host[n+1:]
		} else if n := strings.IndexAny(host, ":/"); n >= 0 {
			host, rest = host[:n], host[n:]
		}
		if unbracket(host) == old {
			named = true
			hops[i] = hop[:start] + new + rest
		}
	}
	return strings.Join(hops, ",") + comment, named
}

// sameMeaning checks that a host under its new name is what it was: the same
// lines apply to it, and it is at the same address.
func sameMeaning(e RenameHost, was, is *Host) error {
	for k := kUser; k < keyCount; k++ {
		if k == kHostName {
			continue
		}
		before, now := was.r.set[k], is.r.set[k]
		for i := range max(len(before), len(now)) {
			if i < len(before) && i < len(now) && sameLine(e, before[i], now[i]) {
				continue
			}
			return dependsOnName(e, k, slices.Concat(before[min(i, len(before)):], now[min(i, len(now)):])[0])
		}
	}
	if was.HostName() != is.HostName() {
		return dependsOnName(e, kHostName, slices.Concat(was.r.set[kHostName], is.r.set[kHostName])[0])
	}
	return nil
}

// sameLine tells whether two values come from the same words.
func sameLine(e RenameHost, before, now value) bool {
	if before.at.file == nil || now.at.file == nil {
		return before.at.file == now.at.file && before.text == now.text
	}
	a, b := before.at.file.directives[before.at.line].rest, now.at.file.directives[now.at.line].rest
	if renamed, ok := renameHops(a, e.Old, e.New); ok && before.key == kProxyJump {
		a = renamed
	}
	return a == b
}

func dependsOnName(e RenameHost, k key, v value) error {
	where := ""
	if v.at.file != nil {
		where = ", set at " + Printable(v.at.origin().String())
	}
	return refuse("give the host a value of its own first", "%s of %s depends on its name%s", keywords[k].name, quoteHost(e.Old), where)
}

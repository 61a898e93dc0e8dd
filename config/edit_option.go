package config

import (
	"fmt"
	"slices"
	"strings"
)

// Assignment is a keyword and what stands behind it on its line, quotes and
// all.
type Assignment struct {
	Keyword string `json:"keyword"`
	Value   string `json:"value"`
}

// SetOption gives a host a value of a keyword. A line of the host's own block
// gets the new value in place of the old one; else a line is added where it
// takes effect.
type SetOption struct {
	Host    string
	Keyword string
	Value   string // as on a line: quoted where it holds spaces
}

// AddOption gives a host one more value of a keyword that takes several, as
// IdentityFile.
type AddOption SetOption

// ChangeOption gives one line of a host's own block another value. It is
// refused if the line is no longer there.
type ChangeOption struct {
	Host    string
	Keyword string
	Was     string // the value of the line
	Value   string
}

// RemoveOption takes the lines of a keyword out of a host's own block.
type RemoveOption struct {
	Host    string
	Keyword string
	Value   string // of the line meant; "" for all
}

// Quote is a word as it is written on a line: in quotes where it needs them.
func Quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\"'\\") && word[0] != '#' && word[0] != '=' {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

func (e SetOption) apply(d *draft) error {
	k, name, value, err := d.assignment(e.Keyword, e.Value)
	if err != nil {
		return err
	}
	d.touch(e.Host)
	own, _ := d.now.sections(e.Host)
	lines := settings(own, k, name)
	switch {
	case len(lines) > 1 && k.accumulates():
		return refuse("unset the one that is meant, and add the new one", "%s has %d %s lines, at %s", quoteHost(e.Host), len(lines), name, listPlaces(lines))
	case len(lines) > 0:
		return d.rewrite(e.Host, k, name, lines[0], value)
	}
	return d.add(e.Host, k, name, value)
}

func (e AddOption) apply(d *draft) error {
	k, name, value, err := d.assignment(e.Keyword, e.Value)
	if err != nil {
		return err
	}
	if k >= kUser && !k.accumulates() {
		return refuse(fmt.Sprintf("set it: sallyport host edit %s --set %s=...", Printable(e.Host), name), "%s takes one value", name)
	}
	d.touch(e.Host)
	return d.add(e.Host, k, name, value)
}

func (e ChangeOption) apply(d *draft) error {
	k, name, value, err := d.assignment(e.Keyword, e.Value)
	if err != nil {
		return err
	}
	d.touch(e.Host)
	own, _ := d.now.sections(e.Host)
	for _, line := range settings(own, k, name) {
		if sameWords(line.file.value(line.line), e.Was) {
			return d.rewrite(e.Host, k, name, line, value)
		}
	}
	return noSuchLine(e.Host, name, e.Was)
}

// assignment checks a keyword and its value as far as that can be done without
// a host.
func (d *draft) assignment(keyword, value string) (k key, name, line string, err error) {
	if keyword == "" || strings.ContainsFunc(keyword, func(r rune) bool { return r > 0x7f || !alnum(byte(r)) }) {
		return 0, "", "", refuse("", "%q is no keyword", Printable(keyword))
	}
	k, name = d.before.dialect.lookup(keyword), keyword
	switch k {
	case kHost, kMatch, kInclude:
		return 0, "", "", refuse("edit the file itself", "%s is no option of a host", keywords[k].name)
	case kIgnored, kDeprecated, kUnsupported:
		return 0, "", "", refuse("", "ssh does nothing with %s any more", keyword)
	case kUnknown:
	default:
		name = keywords[k].name
	}
	if line, err = oneLine(value); err == nil {
		line = endsApart(line, k)
	}
	if err == nil && line == "" {
		err = refuse("", "%s needs a value", name)
	}
	return k, name, line, err
}

// oneLine is a text that can stand on a line.
func oneLine(text string) (string, error) {
	text = strings.Trim(text, " \t")
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "", refuse("", "%q holds a control character, which a line cannot", Printable(text))
		}
	}
	return text, nil
}

// settings are the lines with a keyword in some blocks.
func settings(blocks []section, k key, word string) (lines []place) {
	for _, s := range blocks {
		lines = append(lines, s.settings(k, word)...)
	}
	return lines
}

// rewrite gives a line of the host's own another value.
func (d *draft) rewrite(host string, k key, name string, at place, value string) error {
	from, to := at.file.valueSpan(at.line)
	line := int(at.file.directives[at.line].line)
	if err := d.splice(at.file, from, to, value); err != nil {
		return err
	}
	if d.inForce(host, k, at.file.path, line) {
		return nil
	}
	return d.useless(host, k, name)
}

// add writes a line where it takes effect: into the host's own block, or else
// into a new one before the block that is in the way.
func (d *draft) add(host string, k key, name, value string) error {
	own, shared := d.now.sections(host)
	start := *d
	switch {
	case len(own) > 0:
		if ok, err := d.addLine(own[0], host, k, name, value); ok || err != nil {
			return err
		}
	case len(shared) > 0:
		if ok, err := d.addBlock(shared[0], host, k, name, value); ok || err != nil {
			return err
		}
	default:
		return unknownHost(host)
	}
	obstacle, known := d.obstacle(host, k)
	useless := d.useless(host, k, name)
	d.undo(start)
	if !known || keywords[k].policy == every || obstacle.file.blocks[obstacle.block].kind == kNone || len(settings(own, k, name)) > 0 {
		return useless
	}
	obstacle, _ = d.obstacle(host, k) // in the text as it is now
	before := section{obstacle.file, obstacle.block}
	if slices.Contains(own, before) {
		return useless
	}
	if ok, err := d.addBlock(before, host, k, name, value); ok || err != nil {
		return err
	}
	d.undo(start)
	return useless
}

func unknownHost(host string) error {
	return refuse("sallyport host add "+Printable(host), "no Host line names %s", quoteHost(host))
}

// addLine adds a line at the end of a block. It tells whether the line is in
// force, or not needed because ssh takes the value anyway.
func (d *draft) addLine(s section, host string, k key, name, value string) (bool, error) {
	f, b := s.file, s.file.blocks[s.block]
	_, at := f.lineSpan(b.to - 1)
	style := f.style(s.block)
	number := int(f.directives[b.to-1].line) + 1
	return d.insert(f, at, inserted(f.text, at, style.newline, style.write(name, value)), host, k, number)
}

// addBlock adds a block for the host alone before another block. The host
// keeps the tags that it had there.
func (d *draft) addBlock(s section, host string, k key, name, value string) (bool, error) {
	f := s.file
	at := f.lead(s.block)
	style := f.style(s.block)
	style.column = 0
	var lines []string
	if f.blocks[s.block].kind == kHost && slices.Contains(s.words(), host) {
		if tags := f.commentTags(s.block); len(tags) > 0 {
			lines = append(lines, tagComment(tags))
		}
	}
	lines = append(lines, "Host "+host, style.write(name, value), "")
	return d.insert(f, at, inserted(f.text, at, style.newline, lines...), host, k, lineAt(f.text, at)+len(lines)-2)
}

// insert puts lines into a file, the one at number being what it is for.
func (d *draft) insert(f *file, at int, text, host string, k key, number int) (bool, error) {
	before := *d
	if err := d.splice(f, at, at, text); err != nil {
		return false, err
	}
	if !d.inForce(host, k, f.path, number) {
		return false, nil
	}
	if d.isDefault(before.now, host, k) {
		d.undo(before)
	}
	return true, nil
}

// inForce tells whether a line gives the host a value. What this ssh does not
// know gives none.
func (d *draft) inForce(host string, k key, path string, line int) bool {
	if k == kUnknown {
		return true
	}
	h, _ := d.now.Resolve(host, Match{}) // its faults are looked at in the end
	for _, v := range h.r.set[keptAs(k)] {
		if f := v.at.file; f != nil && f.path == path && int(f.directives[v.at.line].line) == line {
			return true
		}
	}
	return false
}

// keptAs is where the values of a keyword are kept.
func keptAs(k key) key {
	if k == kDynamicForward {
		return kLocalForward
	}
	return k
}

// isDefault tells whether a line in force says only what ssh takes where nothing is
// said. The login name is no such value: it depends on who reads the file.
func (d *draft) isDefault(before *Config, host string, k key) bool {
	if k <= kUser || k == kProxyUseFdpass || keywords[k].policy != first || keywords[k].shape != single {
		return false
	}
	was, _ := before.Resolve(host, Match{})
	if len(was.r.set[k]) > 0 {
		return false
	}
	is, _ := d.now.Resolve(host, Match{})
	old, now := was.printed(k), is.printed(k)
	return len(old) == 1 && len(now) == 1 && old[0].print() == now[0].print()
}

// obstacle is the line because of which another sets nothing.
func (d *draft) obstacle(host string, k key) (place, bool) {
	h, _ := d.now.Resolve(host, Match{})
	keys := []key{keptAs(k)}
	switch k {
	case kProxyJump:
		keys = append(keys, kProxyCommand)
	case kProxyCommand:
		keys = append(keys, kProxyJump)
	case kLocalForward, kRemoteForward, kDynamicForward:
		keys = append(keys, kClearAllForwardings)
	}
	for i, k := range slices.Backward(keys) {
		for _, v := range h.r.set[k] {
			if v.at.file != nil && (i > 0 || keywords[k].policy != every || slices.ContainsFunc(h.r.shadowed, v.same)) {
				return v.at, true
			}
		}
	}
	return place{}, false
}

// useless is why a line would set nothing.
func (d *draft) useless(host string, k key, name string) error {
	if at, ok := d.obstacle(host, k); ok {
		return refuse("change that line, or move it below the block of "+Printable(host),
			"a %s for %s would have no effect: %s", name, quoteHost(host), comesFirst(at))
	}
	return refuse("", "a %s for %s would have no effect", name, quoteHost(host))
}

// comesFirst names a line that wins.
func comesFirst(at place) string {
	o := at.origin()
	in := ""
	if o.Block != "" {
		in = fmt.Sprintf(" in %q", Printable(o.Block))
	}
	return fmt.Sprintf("%s %s at %s%s comes first", at.file.keyword(at.line), Printable(at.file.value(at.line)), Printable(o.String()), in)
}

func (e RemoveOption) apply(d *draft) error {
	k, name := d.before.dialect.lookup(e.Keyword), e.Keyword
	switch {
	case k == kHost || k == kMatch || k == kInclude:
		return refuse("edit the file itself", "%s is no option of a host", keywords[k].name)
	case k >= kUser:
		name = keywords[k].name
	}
	d.touch(e.Host)
	own, shared := d.now.sections(e.Host)
	if len(own)+len(shared) == 0 {
		return unknownHost(e.Host)
	}
	lines := settings(own, k, name)
	if e.Value != "" {
		lines = slices.DeleteFunc(lines, func(p place) bool { return !sameWords(p.file.value(p.line), e.Value) })
	}
	if len(lines) == 0 {
		return d.nothingToRemove(e, k, name)
	}
	for range lines { // each removal moves those below
		own, _ = d.now.sections(e.Host)
		for _, p := range settings(own, k, name) {
			if e.Value == "" || sameWords(p.file.value(p.line), e.Value) {
				if err := d.removeLine(e.Host, p); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// removeLine takes a line out of the host's own block, and the block with its
// last line if another one names the host: it was written for that line.
func (d *draft) removeLine(host string, at place) error {
	f, b := at.file, at.file.blocks[at.block]
	own, shared := d.now.sections(host)
	lead := f.text[f.lead(at.block):f.directives[b.from].at]
	if b.to-b.from > 2 || len(own)+len(shared) < 2 || lead != "" && !strings.HasPrefix(lead, tagComment(nil)) || strings.Count(lead, "\n") > 1 {
		from, to := f.lineSpan(at.line)
		return d.remove(f, from, to)
	}
	from, to := f.cut(at.block)
	return d.remove(f, from, to)
}

// sameWords compares values without their quotes and spacing.
func sameWords(a, b string) bool {
	first, okFirst := splitWords(a, nil)
	second, okSecond := splitWords(b, nil)
	return okFirst && okSecond && slices.Equal(first, second) || a == b
}

// nothingToRemove says where the value comes from that cannot be taken away.
func (d *draft) nothingToRemove(e RemoveOption, k key, name string) error {
	if e.Value != "" {
		return noSuchLine(e.Host, name, e.Value)
	}
	h, _ := d.now.Resolve(e.Host, Match{})
	if k >= kUser {
		for _, v := range h.r.set[keptAs(k)] {
			if v.at.file != nil && (v.fwd == nil || v.key == k) {
				return refuse("change it there, or give "+Printable(e.Host)+" another value of its own",
					"%s of %s is set for others too, at %s", name, quoteHost(e.Host), Printable(v.at.origin().String()))
			}
		}
	}
	return refuse("", "%s has no %s that could be taken away", quoteHost(e.Host), name)
}

func noSuchLine(host, name, value string) error {
	return refuse("", "the block of %s has no line %s %s", quoteHost(host), name, Printable(value))
}

// listPlaces are "file:line, file:line".
func listPlaces(lines []place) string {
	names := make([]string, len(lines))
	for i, p := range lines {
		names[i] = Printable(p.origin().String())
	}
	return strings.Join(names, ", ")
}

func quoteHost(host string) string { return `"` + Printable(host) + `"` }

package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// AddHost writes a block for a new host: before the blocks for all hosts at the
// end of the file, or further up where its options take effect.
type AddHost struct {
	Name    string
	Options []Assignment
	Tags    []string
	File    string // one of those that are read; "" for the user's
}

// RemoveHost takes a host's own blocks out of their file, with the comment
// above them, and its name off the Host lines that it shares.
type RemoveHost struct {
	Name string
}

func (e AddHost) apply(d *draft) error {
	tags, err := cleanTags(e.Tags)
	if err == nil {
		err = d.checkNewName(e.Name)
	}
	if err != nil {
		return err
	}
	f, err := d.target(e.File)
	if err != nil {
		return err
	}
	d.touch(e.Name)
	start := *d
	block := f.beforeDefaults()
	obstacle, err := d.addHost(f, block, e.Name, e.Options, tags)
	if obstacle.file == nil || obstacle.file.path != f.path || obstacle.block >= block || obstacle.block == 0 {
		return err
	}
	useless := err
	d.undo(start)
	if obstacle, err = d.addHost(f, obstacle.block, e.Name, e.Options, tags); obstacle.file != nil {
		return useless
	}
	return err
}

// checkNewName refuses a name that a Host line could not hold, or holds
// already.
func (d *draft) checkNewName(name string) error {
	if name == "" || !plain(name) || !validHost(name) || strings.ContainsAny(name, "#=@") {
		return refuse("", "%s cannot be the name of a host", quoteHost(name))
	}
	if own, shared := d.now.sections(name); len(own)+len(shared) > 0 {
		at := append(own, shared...)[0].place().origin()
		return refuse("sallyport host edit "+Printable(name), "%s is there already, at %s", quoteHost(name), Printable(at.String()))
	}
	return nil
}

// target is the file to add to. The user's own need not exist.
func (d *draft) target(path string) (*file, error) {
	user := d.now.paths.User
	if path == "" {
		path = user
	}
	path = expandTilde(path, d.now.paths.Home)
	for _, f := range d.now.reading {
		if f.path == path || realPath(f.path) == realPath(path) {
			return f, nil
		}
	}
	for _, p := range d.now.problems {
		if p.Origin.File == path && p.Fatal {
			return nil, refuse("", "%s was not read: %s", quotePath(path), p.Message)
		}
	}
	_, err := os.Lstat(path)
	switch {
	case path != user:
		return nil, refuse("include it in "+Printable(user), "%s is not part of the configuration", quotePath(path))
	case !errors.Is(err, fs.ErrNotExist) || d.now.paths.Explicit || !filepath.IsAbs(path):
		return nil, refuse("", "%s was not read", quotePath(path))
	}
	d.path, d.create = path, true
	return &file{path: path, user: true, blocks: []block{{}}}, nil
}

// beforeDefaults is the first of the blocks for all hosts that end a file, or
// the number of its blocks.
func (f *file) beforeDefaults() int32 {
	b := len(f.blocks)
	for b > 1 && f.forAll(int32(b-1)) {
		b--
	}
	return int32(b)
}

// forAll tells a block that is meant for all hosts.
func (f *file) forAll(b int32) bool {
	words := section{f, b}.words()
	if f.blocks[b].kind == kMatch {
		return equalFold(words[len(words)-1], "all")
	}
	return slices.Contains(words, "*") && !slices.ContainsFunc(words, func(w string) bool { return w != "*" && w[0] != '!' })
}

// addHost writes a block before another one. It leaves out what ssh takes
// anyway. The place is the line that keeps an option from taking effect.
func (d *draft) addHost(f *file, before int32, name string, options []Assignment, tags []string) (place, error) {
	start := *d
	keys := make([]key, len(options))
	for {
		lines := make([]string, len(options))
		style := f.style(min(before, int32(len(f.blocks)-1)))
		style.column = 0
		for i, o := range options {
			k, keyword, value, err := d.assignment(o.Keyword, o.Value)
			if err != nil {
				return place{}, err
			}
			keys[i], lines[i] = k, style.write(keyword, value)
		}
		number, err := d.writeBlock(f, before, append(headLines(name, tags), lines...), style.newline)
		if err != nil {
			return place{}, err
		}
		number += len(headLines(name, tags))
		first, err := d.firstUseless(f, name, options, keys, number)
		spare := slices.IndexFunc(keys, func(k key) bool { return d.isDefault(start.now, name, k) })
		if err != nil || spare < 0 {
			return first, err
		}
		d.undo(start)
		options, keys = slices.Delete(slices.Clone(options), spare, spare+1), slices.Delete(keys, spare, spare+1)
	}
}

func headLines(name string, tags []string) []string {
	if len(tags) > 0 {
		return []string{tagComment(tags), "Host " + name}
	}
	return []string{"Host " + name}
}

// firstUseless finds an option that its line does not set, and the highest line
// that is in the way of one.
func (d *draft) firstUseless(f *file, name string, options []Assignment, keys []key, number int) (first place, err error) {
	for i, k := range keys {
		if d.inForce(name, k, f.path, number+i) {
			continue
		}
		at, ok := d.obstacle(name, k)
		if err == nil || ok && at.file == first.file && at.block < first.block {
			first, err = at, d.useless(name, k, options[i].Keyword)
		}
	}
	return first, err
}

// writeBlock puts the lines of a block before another one, or at the end of the
// file, and a blank line between. It returns the number of the first line.
func (d *draft) writeBlock(f *file, before int32, lines []string, newline string) (number int, err error) {
	at := len(f.text)
	if int(before) < len(f.blocks) {
		at = f.lead(before)
		if at == 0 || blankBefore(f.text, at) {
			lines = append(lines, "")
		}
	}
	number = lineAt(f.text, at)
	if at == len(f.text) && at > 0 {
		if f.text[at-1] != '\n' {
			number++
		}
		if !blankBefore(f.text, at) {
			lines = append([]string{""}, lines...)
			number++
		}
	}
	return number, d.splice(f, at, at, inserted(f.text, at, newline, lines...))
}

// blankBefore tells whether the line before an offset is blank.
func blankBefore(text string, at int) bool {
	if at == 0 || text[at-1] != '\n' {
		return false
	}
	start := strings.LastIndexByte(text[:at-1], '\n') + 1
	return strings.TrimSpace(text[start:at]) == ""
}

func (e RemoveHost) apply(d *draft) error {
	own, shared := d.now.sections(e.Name)
	if len(own)+len(shared) == 0 {
		return refuse("sallyport hosts lists them", "no Host line names %s", quoteHost(e.Name))
	}
	if at, ok := d.now.through(e.Name); ok {
		return refuse("change that line first", "a host is reached through %s: %s %s at %s", quoteHost(e.Name),
			at.file.keyword(at.line), Printable(at.file.value(at.line)), Printable(at.origin().String()))
	}
	d.touch(e.Name)
	for len(own) > 0 {
		last := own[len(own)-1]
		from, to := last.file.cut(last.block)
		if err := d.remove(last.file, from, to); err != nil {
			return err
		}
		own, shared = d.now.sections(e.Name)
	}
	for len(shared) > 0 {
		if err := d.dropWord(shared[0], e.Name); err != nil {
			return err
		}
		_, shared = d.now.sections(e.Name)
	}
	return nil
}

// through is a line of others that leads through a host.
func (c *Config) through(host string) (place, bool) {
	for _, f := range c.reading {
		for b, block := range f.blocks {
			if block.kind == kHost && (section{f, int32(b)}).only(host) {
				continue
			}
			for i := block.from; i < block.to; i++ {
				d := f.directives[i]
				if d.key != kProxyJump && d.key != kProxyCommand {
					continue
				}
				if _, named := renameHops(d.rest, host, ""); d.key == kProxyJump && named || d.key == kProxyCommand && runsThrough(d.rest, host) {
					return place{f, i, int32(b)}, true
				}
			}
		}
	}
	return place{}, false
}

// runsThrough tells whether a command has a host, or user@host, as a word.
func runsThrough(command, host string) bool {
	return slices.ContainsFunc(strings.Fields(command), func(w string) bool {
		w = strings.Trim(w, `"'`)
		return w == host || strings.HasSuffix(w, "@"+host)
	})
}

// cut are the offsets of a block with the comment above it, and of the blank
// lines that would be left over.
func (f *file) cut(b int32) (from, to int) {
	from, to = f.lead(b), f.end(b)
	next := to
	for next < len(f.text) {
		n := lineLength(f.text[next:])
		if strings.TrimSpace(f.text[next:next+n]) != "" {
			break
		}
		next += n
	}
	switch {
	case next == len(f.text):
		to = next
		for blankBefore(f.text, from) {
			from = strings.LastIndexByte(f.text[:from-1], '\n') + 1
		}
	case from == 0 || blankBefore(f.text, from):
		to = next
	}
	return from, to
}

// dropWord takes a name off a Host line, with the white space before it.
func (d *draft) dropWord(s section, name string) error {
	head := s.file.blocks[s.block].from
	spans := s.file.wordSpans(head)
	for i, w := range s.words() {
		if w != name {
			continue
		}
		if i == 0 {
			return d.splice(s.file, spans[0][0], spans[1][0], "")
		}
		return d.splice(s.file, spans[i-1][1], spans[i][1], "")
	}
	return nil
}

package config

import (
	"strings"
	"sync"
)

// Names lists every alias once, in file order. It executes nothing. The slice
// is not to be changed.
func (c *Config) Names() []string { return c.listed().names }

// Hosts is Names with what stands above and in the block of each.
func (c *Config) Hosts() []Entry {
	l := c.listed()
	entries := make([]Entry, len(l.names))
	for i, name := range l.names {
		if i > 0 && l.heads[i] == l.heads[i-1] {
			entries[i] = entries[i-1]
			entries[i].Name = name
		} else {
			entries[i] = l.entry(i)
		}
	}
	return entries
}

// Entry is what a file says of an alias, false for a name that no file has.
func (c *Config) Entry(name string) (Entry, bool) {
	l := c.listed()
	i, ok := l.places[name]
	if !ok {
		return Entry{}, false
	}
	return l.entry(int(i)), true
}

// listing are the aliases of all files.
type listing struct {
	once   sync.Once
	names  []string
	heads  []place          // the Host line that named each first
	places map[string]int32 // of each in names
}

// listed lists the aliases at the first call.
func (c *Config) listed() *listing {
	c.listing.once.Do(func() {
		n := c.named
		c.listing.names, c.listing.heads = make([]string, 0, n), make([]place, 0, n)
		c.listing.places = make(map[string]int32, n)
		l := lister{listing: &c.listing, files: map[*file]bool{}}
		for _, root := range c.roots {
			l.file(root.file)
		}
	})
	return &c.listing
}

func (l *listing) entry(i int) Entry {
	at := l.heads[i]
	e := Entry{Name: l.names[i], Origin: at.origin()}
	e.Comment, e.Tags = at.file.about(at.block)
	return e
}

// lister collects aliases.
type lister struct {
	*listing
	words []string
	files map[*file]bool // that were listed
}

// file lists a file once, and those that it includes where they stand.
func (l *lister) file(f *file) {
	if l.files[f] {
		return
	}
	l.files[f] = true
	for i, b := range f.blocks {
		if b.kind == kHost {
			l.block(f, int32(i))
		}
		if b.loud || f.includes != nil {
			l.includes(f, b)
		}
	}
}

func (l *lister) includes(f *file, b block) {
	if len(f.includes) == 0 {
		return
	}
	for i := b.from; i < b.to; i++ {
		for _, child := range f.includes[i] {
			l.file(child)
		}
	}
}

// block lists the names of a Host line.
func (l *lister) block(f *file, b int32) {
	head := f.blocks[b].from
	l.words, _ = splitWords(f.directives[head].rest, l.words[:0])
	for _, name := range l.words {
		if name == "" || !plain(name) {
			continue
		}
		if _, seen := l.places[name]; seen {
			continue
		}
		l.places[name] = int32(len(l.names))
		l.names = append(l.names, name)
		l.heads = append(l.heads, place{f, head, b})
	}
}

// about is what the comment above a block says, and its tags. A comment that
// is indented deeper than the Host line ends the block before.
func (f *file) about(b int32) (comment string, tags []string) {
	var lines []string
	at := int(f.directives[f.blocks[b].from].at)
	depth := len(indentOf(f.text[at:]))
	for at > 0 {
		start := strings.LastIndexByte(f.text[:at-1], '\n') + 1
		line := strings.TrimSpace(f.text[start:at])
		if !strings.HasPrefix(line, "#") || len(indentOf(f.text[start:at])) > depth {
			break
		}
		at = start
		line = strings.TrimSpace(strings.TrimLeft(line, "#"))
		if list, ok := tagLine(line); ok {
			tags = append(splitTags(list), tags...)
		} else {
			lines = append(lines, line)
		}
	}
	return f.joinComment(lines), append(tags, f.tags(b)...)
}

// joinComment puts lines that were read upwards in order.
func (f *file) joinComment(lines []string) string {
	if len(lines) == 1 {
		return lines[0]
	}
	var b strings.Builder
	for i := len(lines) - 1; i >= 0; i-- {
		b.WriteString(lines[i])
		if i > 0 {
			b.WriteByte('\n')
		}
	}
	return strings.Trim(b.String(), "\n")
}

// tagLine is the list of a "Tags: a, b" comment.
func tagLine(comment string) (list string, ok bool) {
	const prefix = "tags:"
	if len(comment) < len(prefix) || !equalFold(comment[:len(prefix)], prefix) {
		return "", false
	}
	return comment[len(prefix):], true
}

func splitTags(list string) (tags []string) {
	for tag := range strings.SplitSeq(list, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// tags are those of the Tag lines in a block, whether this ssh knows the
// keyword or not.
func (f *file) tags(b int32) (tags []string) {
	for i := f.blocks[b].from + 1; i < f.blocks[b].to; i++ {
		d := f.directives[i]
		if d.key != kTag && d.key != kUnknown {
			continue
		}
		word, rest, _ := splitKeyword(trimLine(f.raw(i)))
		if equalFold(word, "Tag") {
			args, _ := splitWords(rest, nil)
			tags = append(tags, args...)
		}
	}
	return tags
}

package config

import "strings"

// Hosts lists every alias once, in file order. It executes nothing.
func (c *Config) Hosts() []Entry {
	l := lister{seen: make(map[string]int, c.names())}
	l.entries = make([]Entry, 0, c.names())
	for _, root := range c.roots {
		l.file(root.file)
	}
	return l.entries
}

// names is about how many aliases there are.
func (c *Config) names() (n int) {
	for _, f := range c.reading {
		n += len(f.links)
	}
	return n
}

// lister collects aliases.
type lister struct {
	seen    map[string]int // entries by name
	entries []Entry
	words   []string
	files   map[*file]bool
}

// file lists a file once, and those that it includes where they stand.
func (l *lister) file(f *file) {
	if l.files[f] {
		return
	}
	if l.files == nil {
		l.files = map[*file]bool{}
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
	first := true
	var entry Entry
	for _, name := range l.words {
		if name == "" || !plain(name) {
			continue
		}
		if _, seen := l.seen[name]; seen {
			continue
		}
		if first {
			entry.Origin = place{f, head, b}.origin()
			entry.Comment, entry.Tags = f.about(b)
			first = false
		}
		entry.Name = name
		l.seen[name] = len(l.entries)
		l.entries = append(l.entries, entry)
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

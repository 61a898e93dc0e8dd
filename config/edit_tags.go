package config

import (
	"slices"
	"strings"
)

// SetTags writes the tags of a host into a comment above its Host line, as
// "# Tags: a, b". No tags take the comment away.
type SetTags struct {
	Host string
	Tags []string
}

func (e SetTags) apply(d *draft) error {
	tags, err := cleanTags(e.Tags)
	if err != nil {
		return err
	}
	d.touch(e.Host)
	own, shared := d.now.sections(e.Host)
	switch all := append(slices.Clone(own), shared...); {
	case len(all) == 0:
		return unknownHost(e.Host)
	case len(own) == 0:
		return sharedLine(shared[0], e.Host)
	}
	s := own[0]
	if len(shared) > 0 && (shared[0].file != s.file || shared[0].block < s.block) {
		return sharedLine(shared[0], e.Host) // the list shows what stands above the first
	}
	for _, tag := range s.file.tags(s.block) {
		if !slices.Contains(tags, tag) {
			return refuse("take that line away: sallyport host edit "+Printable(e.Host)+" --unset Tag",
				"%q is a tag of %s by a Tag line of its block, at %s", Printable(tag), quoteHost(e.Host), Printable(s.place().origin().String()))
		}
	}
	byKeyword := s.file.tags(s.block)
	return d.writeTags(s, slices.DeleteFunc(tags, func(tag string) bool { return slices.Contains(byKeyword, tag) }))
}

// writeTags replaces the first comment of tags above a block, and takes the
// others away.
func (d *draft) writeTags(s section, tags []string) error {
	f := s.file
	from, to := f.lead(s.block), int(s.head().at)
	var b strings.Builder
	written := len(tags) == 0
	for line := range strings.Lines(f.text[from:to]) {
		list, ok := tagLine(strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "#")))
		switch {
		case !ok:
			b.WriteString(line)
		case !written:
			b.WriteString(replaceTags(line, list, tags))
			written = true
		}
	}
	if !written {
		b.WriteString(indentOf(f.text[to:]) + tagComment(tags) + f.newlineNear(s))
	}
	return d.splice(f, from, to, b.String())
}

// replaceTags keeps all of a line but its list.
func replaceTags(line, list string, tags []string) string {
	if slices.Equal(splitTags(list), tags) {
		return line
	}
	end := len(strings.TrimRight(line, white))
	start := strings.Index(line, ":") + 1
	for start < end && (line[start] == ' ' || line[start] == '\t') {
		start++
	}
	lead := line[:start]
	if strings.HasSuffix(lead, ":") {
		lead += " "
	}
	return lead + strings.Join(tags, ", ") + line[end:]
}

// newlineNear is how the Host line of a block ends, or the first of the file.
func (f *file) newlineNear(s section) string {
	if line := f.line(f.blocks[s.block].from); strings.HasSuffix(line, "\n") {
		return newlineOf(line)
	}
	return newlineOf(f.text)
}

func tagComment(tags []string) string { return "# Tags: " + strings.Join(tags, ", ") }

// commentTags are those that the comment above a block has.
func (f *file) commentTags(b int32) []string {
	_, all := f.about(b)
	return all[:len(all)-len(f.tags(b))]
}

// cleanTags are the tags once each, as they can stand in the list.
func cleanTags(tags []string) (clean []string, err error) {
	for _, tag := range tags {
		if tag, err = oneLine(tag); err != nil {
			return nil, err
		}
		if tag == "" || strings.ContainsAny(tag, ",") {
			return nil, refuse("", "%q is no tag: it is empty or holds a comma", Printable(tag))
		}
		if !slices.Contains(clean, tag) {
			clean = append(clean, tag)
		}
	}
	return clean, nil
}

// sharedLine refuses what would change the other hosts of a Host line, too.
func sharedLine(s section, host string) error {
	o := s.place().origin()
	return refuse("give it a Host line of its own", "%s shares its Host line with others: %s at %s", quoteHost(host), Printable(o.Block), Printable(o.String()))
}

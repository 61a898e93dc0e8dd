package config

import "strings"

// section is a Host block of a file.
type section struct {
	file  *file
	block int32
}

func (s section) head() *directive { return &s.file.directives[s.file.blocks[s.block].from] }

// place is where its Host line stands.
func (s section) place() place { return place{s.file, s.file.blocks[s.block].from, s.block} }

// words are the patterns of its Host line.
func (s section) words() []string {
	words, _ := splitWords(s.head().rest, nil)
	return words
}

// settings are the places of the lines with a keyword. One that is no option of
// this ssh is compared as it is written.
func (s section) settings(k key, word string) (lines []place) {
	b := s.file.blocks[s.block]
	for i := b.from + 1; i < b.to; i++ {
		d := s.file.directives[i]
		if d.key == k && (k >= kUser || equalFold(s.file.keyword(i), word)) {
			lines = append(lines, place{s.file, i, s.block})
		}
	}
	return lines
}

// sections are the Host blocks that name a host: own are those that no other
// name or pattern can meet.
func (c *Config) sections(host string) (own, shared []section) {
	for _, f := range c.reading {
		for i, b := range f.blocks {
			if b.kind != kHost || f.directives[b.from].bad || !f.names(b, host) {
				continue
			}
			s := section{f, int32(i)}
			if s.only(host) {
				own = append(own, s)
			} else {
				shared = append(shared, s)
			}
		}
	}
	return own, shared
}

// only tells that the Host line is met by nothing but the host. What it
// excludes does not matter.
func (s section) only(host string) bool {
	for _, w := range s.words() {
		if w != host && !strings.HasPrefix(w, "!") {
			return false
		}
	}
	return true
}

// keyword is that of a directive, as written.
func (f *file) keyword(i int32) string {
	word, _, _ := splitKeyword(trimLine(f.line(i)))
	return word
}

// line is the line of a directive with its end.
func (f *file) line(i int32) string {
	at := int(f.directives[i].at)
	return f.text[at : at+lineLength(f.text[at:])]
}

// lineSpan are the offsets of a directive's line, its end included.
func (f *file) lineSpan(i int32) (from, to int) {
	from = int(f.directives[i].at)
	return from, from + len(f.line(i))
}

// valueSpan are the offsets of what follows a keyword, without the comment and
// the white space behind it.
func (f *file) valueSpan(i int32) (from, to int) {
	d := &f.directives[i]
	from = int(d.at) + len(trimLine(f.line(i))) - len(d.rest)
	rest := d.rest
	if at := commentAt(rest); at >= 0 && !d.command() {
		rest = rest[:at]
	}
	return from, from + len(strings.TrimRight(rest, white))
}

// value is what stands between them.
func (f *file) value(i int32) string {
	from, to := f.valueSpan(i)
	return f.text[from:to]
}

// wordSpans are the offsets of the words of a directive.
func (f *file) wordSpans(i int32) (spans [][2]int) {
	rest := f.directives[i].rest
	start := int(f.directives[i].at) + len(trimLine(f.line(i))) - len(rest)
	for at := 0; at < len(rest) && rest[at] != '#'; {
		if rest[at] == ' ' || rest[at] == '\t' {
			at++
			continue
		}
		_, end, ok := splitWord(rest, at)
		if !ok {
			break
		}
		spans = append(spans, [2]int{start + at, start + end})
		at = end
	}
	return spans
}

// lead is where the comment starts that belongs to a block: the comment lines
// directly above, unless they are indented deeper than the Host line, as the
// last comment of the block before would be.
func (f *file) lead(b int32) int {
	if f.blocks[b].kind == kNone {
		return 0
	}
	at := int(f.directives[f.blocks[b].from].at)
	depth := len(indentOf(f.text[at:]))
	for at > 0 {
		start := strings.LastIndexByte(f.text[:at-1], '\n') + 1
		line := f.text[start:at]
		if !strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") || len(indentOf(line)) > depth {
			break
		}
		at = start
	}
	return at
}

// end is where a block ends: behind its last line with a keyword and the
// indented comments that follow it.
func (f *file) end(b int32) int {
	return int(f.directives[f.blocks[b].from].at) + len(f.blockText(b))
}

func indentOf(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// style is how the lines of a block are written.
type style struct {
	indent    string
	separator string // between keyword and value
	column    int    // of the values if they are aligned, else 0
	lower     bool   // keywords are in lower case
	newline   string
}

var plainStyle = style{indent: "    ", separator: " ", newline: "\n"}

// style is that of a block, or of the nearest one that has lines.
func (f *file) style(b int32) style {
	if s, ok := f.styleOf(b); ok {
		return s
	}
	for distance := 1; distance < len(f.blocks); distance++ {
		for _, near := range []int{int(b) - distance, int(b) + distance} {
			if near <= 0 || near >= len(f.blocks) {
				continue
			}
			if s, ok := f.styleOf(int32(near)); ok {
				s.column = 0
				return s
			}
		}
	}
	s := plainStyle
	s.newline = newlineOf(f.text)
	return s
}

// styleOf copies the last line of a block.
func (f *file) styleOf(b int32) (style, bool) {
	block := f.blocks[b]
	if block.kind == kNone || block.to-block.from < 2 {
		return style{}, false
	}
	last := block.to - 1
	line := f.line(last)
	word := f.keyword(last)
	s := style{indent: indentOf(line), separator: " ", newline: newlineOf(line), lower: lower(word) == word}
	if !strings.HasSuffix(line, "\n") {
		s.newline = newlineOf(f.text)
	}
	from, _ := f.valueSpan(last)
	between := line[:from-int(f.directives[last].at)]
	if i := strings.Index(between, word); i >= 0 && from > int(f.directives[last].at) {
		s.separator = between[i+len(word):]
	}
	switch {
	case s.separator == "" || strings.ContainsAny(s.separator, "\"\r\n"): // a quoted keyword
		s.separator = " "
	case strings.Trim(s.separator, " ") == "" && len(s.separator) > 1:
		s.separator, s.column = " ", len(word)+len(s.separator)
	}
	return s, true
}

// newlineOf is how the first line of a text ends.
func newlineOf(text string) string {
	if i := strings.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// write is a line of the block.
func (s style) write(keyword, value string) string {
	if s.lower {
		keyword = lower(keyword)
	}
	separator := s.separator
	if n := s.column - len(keyword); n > 1 {
		separator = strings.Repeat(" ", n)
	}
	return s.indent + keyword + separator + value
}

// inserted is the text to put at an offset for whole lines. A file whose last
// line has no newline keeps it so.
func inserted(text string, at int, newline string, lines ...string) string {
	joined := strings.Join(lines, newline)
	if at > 0 && text[at-1] != '\n' {
		return newline + joined
	}
	return joined + newline
}

// remove takes whole lines out of a file. A file whose last line has no newline
// keeps it so.
func (d *draft) remove(f *file, from, to int) error {
	if to == len(f.text) && !strings.HasSuffix(f.text, "\n") {
		from = len(strings.TrimSuffix(strings.TrimSuffix(f.text[:from], "\n"), "\r"))
	}
	return d.splice(f, from, to, "")
}

// lineAt is the number of the line that starts at an offset, from 1.
func lineAt(text string, at int) int { return strings.Count(text[:at], "\n") + 1 }

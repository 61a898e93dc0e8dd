package config

import "strings"

// white is what separates words of a line for strdelim (misc.c).
const white = " \t\r\n"

// class says what a byte can do to a word: a table, since every byte of a
// large configuration is looked up here.
type class uint8

const (
	delimiter class = 1 << iota // ends a word for strdelim: white space, quotes, =
	special                     // is more than a letter of a word for argv_split
)

var classes = func() (table [256]class) {
	for _, c := range []byte(white + `"=`) {
		table[c] |= delimiter
	}
	for _, c := range []byte(" \t\"'\\") {
		table[c] |= special
	}
	return table
}()

// indexClass is the first byte of s of a class at or after from, or len(s).
func indexClass(s string, from int, c class) int {
	for from < len(s) && classes[s[from]]&c == 0 {
		from++
	}
	return from
}

// cursor walks a line as strdelim of misc.c does: words end at white space or
// at a single "=", and double quotes hold them together. Keywords and Match
// criteria are read this way.
type cursor struct {
	rest string
	done bool // the C pointer would be NULL: nothing follows, not even ""
}

// next is the next word. It reports false at the end and at a quote that is
// never closed, which ends the walk.
func (c *cursor) next() (word string, ok bool) {
	if c.done {
		return "", false
	}
	i := indexClass(c.rest, 0, delimiter)
	if i == len(c.rest) {
		word, c.rest, c.done = c.rest, "", true
		return word, true
	}
	if c.rest[i] == '"' {
		return c.quoted(i)
	}
	word = c.rest[:i]
	split := c.rest[i] == '='
	c.rest = trimWhite(c.rest[i+1:])
	if !split && strings.HasPrefix(c.rest, "=") {
		c.rest = trimWhite(c.rest[1:])
	}
	return word, true
}

// quoted is the word whose opening quote is at i: what stands before the quote
// belongs to it, and the closing quote ends it even if letters follow.
func (c *cursor) quoted(i int) (word string, ok bool) {
	length := strings.IndexByte(c.rest[i+1:], '"')
	if length < 0 {
		c.rest, c.done = "", true
		return "", false
	}
	word = c.rest[i+1 : i+1+length]
	if i > 0 {
		word = c.rest[:i] + word
	}
	c.rest = trimWhite(c.rest[i+1+length+1:])
	return word, true
}

// blank tells whether nothing is left to read.
func (c *cursor) blank() bool { return c.done || c.rest == "" }

func isWhite(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trimWhite(s string) string {
	i := 0
	for i < len(s) && isWhite(s[i]) {
		i++
	}
	return s[i:]
}

// trimLine is the line as readconf.c looks at it: a C string, so without what
// follows a NUL byte, and without white space at its end (its first byte is
// never taken away).
func trimLine(line string) string {
	if i := strings.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	end := len(line)
	for end > 1 && (isWhite(line[end-1]) || line[end-1] == '\f') {
		end--
	}
	return line[:end]
}

// splitKeyword parts a trimmed line into its keyword, as written, and what
// follows. An empty keyword is a blank line or a comment. more is false where
// no argument follows.
func splitKeyword(line string) (keyword, rest string, more bool) {
	c := cursor{rest: line}
	keyword, ok := c.next()
	if ok && keyword == "" {
		keyword, ok = c.next()
	}
	if !ok || keyword == "" || keyword[0] == '\n' || keyword[0] == '#' {
		return "", "", false
	}
	rest = trimWhite(c.rest)
	return keyword, rest, rest != ""
}

// splitWords appends the words of s to words as argv_split of misc.c finds
// them: single and double quotes, a few escapes, and a "#" at the start of a
// word ends the line. It reports false where a quote is not closed.
func splitWords(s string, words []string) ([]string, bool) {
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ', '\t':
			i++
			continue
		case '#':
			return words, true
		}
		word, end, ok := splitWord(s, i)
		if !ok {
			return words, false
		}
		words = append(words, word)
		i = end
	}
	return words, true
}

// splitWord reads one word that starts at from. A word without quotes and
// backslashes is not copied.
func splitWord(s string, from int) (word string, end int, ok bool) {
	end = indexClass(s, from, special)
	if end == len(s) || s[end] == ' ' || s[end] == '\t' {
		return s[from:end], end, true
	}
	return unquoteWord(s, from, end)
}

// unquoteWord reads on from the first quote or backslash of a word.
func unquoteWord(s string, from, i int) (word string, end int, ok bool) {
	buf := append(make([]byte, 0, len(s)-from), s[from:i]...)
	var quote byte
	for ; i < len(s); i++ {
		b := s[i]
		switch {
		case b == '\\' && i+1 < len(s) && escapes(s[i+1], quote):
			i++
			buf = append(buf, s[i])
		case b == '\\':
			buf = append(buf, b)
		case quote == 0 && (b == ' ' || b == '\t'):
			return string(buf), i, true
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case quote != 0 && b == quote:
			quote = 0
		default:
			buf = append(buf, b)
		}
	}
	return string(buf), i, quote == 0
}

// escapes tells whether a backslash before b is taken away.
func escapes(b, quote byte) bool {
	return b == '\'' || b == '"' || b == '\\' || (quote == 0 && b == ' ')
}

// lower is s with its ASCII letters in lower case, as tolower does in the C
// locale.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return lowerCopy(s)
		}
	}
	return s
}

func lowerCopy(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// equalFold compares as strcasecmp does in the C locale.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if a[i] != b[i] && (a[i]^b[i] != 0x20 || !alpha(a[i])) {
			return false
		}
	}
	return true
}

func alpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

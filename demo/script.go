package demo

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// step is one command of a line and what joins it to the one before.
type step struct {
	join  join
	words []word
}

type join string

const (
	always join = ";"
	onTrue join = "&&"
	onFail join = "||"
)

// word is a word of a command: text, with variables to put in.
type word []piece

// mayVanish tells a word that is dropped if it comes out empty: one without
// text and quotes. A double quote leaves an empty text before what is in it.
func (w word) mayVanish() bool {
	return !slices.ContainsFunc(w, func(p piece) bool { return !p.variable })
}

type piece struct {
	text     string
	variable bool // text is the name of a variable
}

// parse reads what a shell would be given, of the grammar of sh(1) only words,
// quotes, "$NAME", "$?", "~", comments, and the joints ; && || and newline.
// The rest is refused rather than misunderstood. (The value of a variable
// stays one word, as in zsh.)
func parse(text string) ([]step, error) {
	p := parser{rest: text, next: always}
	for p.rest != "" {
		if err := p.token(); err != nil {
			return nil, err
		}
	}
	p.endLine()
	if p.next != always {
		return nil, fmt.Errorf("syntax error: nothing after %q", string(p.next))
	}
	return p.steps, nil
}

type parser struct {
	rest  string
	steps []step
	words []word
	next  join // of the step that is being read
}

// token reads a joint, blanks, a comment, or a word.
func (p *parser) token() error {
	for _, j := range []join{onTrue, onFail, always} {
		if p.skip(string(j)) {
			return p.endStep(j)
		}
	}
	switch c := p.rest[0]; c {
	case '\n':
		p.rest = p.rest[1:]
		p.endLine()
		return nil
	case ' ', '\t', '\r':
		p.rest = p.rest[1:]
		return nil
	case '#':
		end := strings.IndexByte(p.rest, '\n')
		if end < 0 {
			end = len(p.rest)
		}
		p.rest = p.rest[end:]
		return nil
	}
	w, err := p.word()
	p.words = append(p.words, w)
	return err
}

// endStep closes the command before a joint.
func (p *parser) endStep(next join) error {
	if len(p.words) == 0 {
		return fmt.Errorf("syntax error: nothing before %q", string(next))
	}
	p.steps = append(p.steps, step{p.next, p.words})
	p.words, p.next = nil, next
	return nil
}

// endLine closes the command before a newline or the end, if there is one:
// lines may be empty, and one that ends with && or || goes on in the next.
func (p *parser) endLine() {
	if len(p.words) > 0 {
		p.steps = append(p.steps, step{p.next, p.words})
		p.words, p.next = nil, always
	}
}

// word reads up to a blank or a joint, with its quotes.
func (p *parser) word() (w word, err error) {
	if p.rest == "~" || strings.HasPrefix(p.rest, "~") && strings.ContainsRune("/ \t\r\n;&|", rune(p.rest[1])) {
		p.rest = p.rest[1:]
		w = append(w, piece{"HOME", true})
	}
	for p.rest != "" && !strings.ContainsRune(" \t\r\n;", rune(p.rest[0])) {
		if strings.HasPrefix(p.rest, "&&") || strings.HasPrefix(p.rest, "||") {
			break
		}
		if w, err = p.unquoted(w); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// unquoted reads one piece outside of quotes.
func (p *parser) unquoted(w word) (word, error) {
	switch c := p.rest[0]; c {
	case '\'':
		text, rest, closed := strings.Cut(p.rest[1:], "'")
		if !closed {
			return nil, fmt.Errorf("syntax error: a ' is not closed")
		}
		p.rest = rest
		return append(w, piece{text: text}), nil
	case '"':
		p.rest = p.rest[1:]
		return p.quoted(append(w, piece{}))
	case '\\':
		p.rest = p.rest[1:]
		return append(w, p.literal()), nil
	case '$':
		return p.variable(w)
	case '|', '&', '<', '>', '`', '(', ')', '*':
		return nil, tooMuch(string(c))
	}
	return append(w, p.literal()), nil
}

// quoted reads to the closing double quote.
func (p *parser) quoted(w word) (_ word, err error) {
	for p.rest != "" {
		switch c := p.rest[0]; {
		case c == '"':
			p.rest = p.rest[1:]
			return w, nil
		case c == '$':
			if w, err = p.variable(w); err != nil {
				return nil, err
			}
		case c == '`':
			return nil, tooMuch(string(c))
		case c == '\\' && len(p.rest) > 1 && strings.ContainsRune("\\\"$`", rune(p.rest[1])):
			p.rest = p.rest[1:]
			w = append(w, p.literal())
		default:
			w = append(w, p.literal())
		}
	}
	return nil, fmt.Errorf("syntax error: a \" is not closed")
}

// literal takes one character as it is, a lone backslash at the end included.
func (p *parser) literal() piece {
	if p.rest == "" {
		return piece{text: `\`}
	}
	_, n := utf8.DecodeRuneInString(p.rest)
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return piece{text: text}
}

// variable reads $NAME, ${NAME} or $?.
func (p *parser) variable(w word) (word, error) {
	p.rest = p.rest[1:]
	switch {
	case p.skip("?"):
		return append(w, piece{"?", true}), nil
	case p.rest != "" && strings.ContainsRune("(-$!@*#0123456789", rune(p.rest[0])):
		return nil, tooMuch("$" + p.rest[:1])
	case p.skip("{"):
		name, rest, closed := strings.Cut(p.rest, "}")
		if !closed || name == "" || nameLength(name) != len(name) {
			return nil, fmt.Errorf("syntax error: bad substitution")
		}
		p.rest = rest
		return append(w, piece{name, true}), nil
	}
	n := nameLength(p.rest)
	if n == 0 {
		return append(w, piece{text: "$"}), nil
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return append(w, piece{name, true}), nil
}

func tooMuch(what string) error {
	return fmt.Errorf("%q is more than this demo's shell can do", what)
}

// nameLength is how much of the start of s is the name of a variable.
func nameLength(s string) int {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

func (p *parser) skip(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

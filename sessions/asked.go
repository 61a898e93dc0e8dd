package sessions

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// asked are the questions of the far side to its terminal. While somebody
// watches the terminal in front answers, and what it says of itself is
// remembered: when nobody does, the same is said.
type asked struct {
	open    []*inquiry        // without an answer yet
	answers map[string]string // by inquiry.query
}

// inquiry is a question whose answer does not change while a terminal runs.
type inquiry struct {
	query  string // how it begins
	answer *regexp.Regexp
}

var inquiries = []inquiry{
	{"\x1b[>c", regexp.MustCompile(`\x1b\[>[\d;]*c`)},                          // DA2
	{"\x1b[>0c", regexp.MustCompile(`\x1b\[>[\d;]*c`)},                         // likewise
	{"\x1b[=c", regexp.MustCompile(`\x1bP!\|[^\x1b]*\x1b\\`)},                  // DA3
	{"\x1b[c", regexp.MustCompile(`\x1b\[\?[\d;]*c`)},                          // DA1
	{"\x1b[0c", regexp.MustCompile(`\x1b\[\?[\d;]*c`)},                         // likewise
	{"\x1b[>q", regexp.MustCompile(`\x1bP>\|[^\x1b]*\x1b\\`)},                  // XTVERSION
	{"\x1b[>0q", regexp.MustCompile(`\x1bP>\|[^\x1b]*\x1b\\`)},                 // likewise
	{"\x1b]10;?", regexp.MustCompile(`\x1b\]10;rgb[^\x07\x1b]*(\x07|\x1b\\)`)}, // the colour of text
	{"\x1b]11;?", regexp.MustCompile(`\x1b\]11;rgb[^\x07\x1b]*(\x07|\x1b\\)`)}, // and of what is behind
	{"\x1b]12;?", regexp.MustCompile(`\x1b\]12;rgb[^\x07\x1b]*(\x07|\x1b\\)`)}, // and of the cursor
}

// report is anything that a terminal says by itself, at a question.
var report = regexp.MustCompile(`\x1b\[[?>=]?[\d;]*(?:[cRn]|\$y)|\x1b\[\?\d+u|\x1b\[\d+;\d+;\d+t|` +
	`\x1bP[>!01][^\x1b]*\x1b\\|\x1b\]\d+;rgb[^\x07\x1b]*(?:\x07|\x1b\\)`)

// maxUnread is how much may wait for the far side where it is still answered,
// in bytes.
const maxUnread = 4 << 10

// question takes a question of the far side. The caller holds mu.
func (sh *Shell) question(query, answer string) {
	inquiry := inquiryOf(query)
	if sh.answering() != nil {
		if inquiry != nil && !slices.Contains(sh.asked.open, inquiry) {
			sh.asked.open = append(sh.asked.open, inquiry)
		}
		return
	}
	if inquiry != nil {
		if known := sh.asked.answers[inquiry.query]; known != "" {
			answer = known
		}
	}
	if sh.typing.Waiting() < maxUnread { // a far side that asks without reading needs none
		sh.typing.Type([]byte(answer), nil)
	}
}

func inquiryOf(query string) *inquiry {
	for i := range inquiries {
		if strings.HasPrefix(query, inquiries[i].query) {
			return &inquiries[i]
		}
	}
	return nil
}

// answering is the viewer whose terminal answers: the latest of those that may
// type.
func (sh *Shell) answering() *Viewer {
	for i := len(sh.viewers) - 1; i >= 0; i-- {
		if !sh.viewers[i].view.ReadOnly {
			return sh.viewers[i]
		}
	}
	return nil
}

// typed is what of a viewer's input goes to the far side: one terminal alone
// answers its questions.
func (sh *Shell) typed(v *Viewer, p []byte) []byte {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case v.view.ReadOnly:
		return nil
	case bytes.IndexByte(p, '\x1b') < 0:
		return p
	case v != sh.answering():
		return report.ReplaceAll(p, nil)
	}
	sh.learn(p)
	return p
}

// learn remembers the answers in what a viewer's terminal says.
func (sh *Shell) learn(p []byte) {
	var open []*inquiry
	for _, q := range sh.asked.open {
		answer := q.answer.Find(p)
		if answer == nil {
			open = append(open, q)
			continue
		}
		if sh.asked.answers == nil {
			sh.asked.answers = make(map[string]string)
		}
		sh.asked.answers[q.query] = string(answer)
	}
	sh.asked.open = open
}

package config

import (
	"slices"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// Block is a Host block as a person edits it: its lines with their comments,
// for a preview or a form. What the block means is not here; Resolve says
// that.
type Block struct {
	Origin   Origin    // of the Host line
	Patterns []string  // of the Host line
	Own      bool      // its Host line is met by no other host
	Comment  string    // behind the Host line, without its #
	Settings []Setting // the lines below it that hold a keyword, in order
	Text     string    // all lines of the block to the byte, without the blank lines and comments that lead to the next
}

// Setting is one line of a Block.
type Setting struct {
	Key     string // as written
	Value   string // as written, quotes and all
	Comment string // behind the value, without its #
	Line    int    // in the file, from 1
}

// Blocks are the Host blocks that name an alias: its own, then those that it
// shares. It is false if the parser of the view cannot take the lines of one
// apart, which then is not among them.
func (c *Config) Blocks(name string) (blocks []*Block, ok bool) {
	own, shared := c.sections(name)
	ok = true
	for i, s := range append(own, shared...) {
		view, viewed := s.file.view(s.block)
		if !viewed {
			ok = false
			continue
		}
		view.Own = i < len(own)
		blocks = append(blocks, view)
	}
	return blocks, ok
}

// names tells whether a Host line has the name among its words.
func (f *file) names(b block, name string) bool {
	rest := f.directives[b.from].rest
	if !strings.Contains(rest, name) {
		return false
	}
	words, _ := splitWords(rest, nil)
	return plain(name) && slices.Contains(words, name)
}

// view takes a block apart.
func (f *file) view(b int32) (*Block, bool) {
	text := f.blockText(b)
	lines, ok := viewable(text)
	if !ok {
		return nil, false
	}
	host, ok := decodeHost(lines)
	if !ok {
		return nil, false
	}
	head := f.directives[f.blocks[b].from]
	view := &Block{Origin: place{f, f.blocks[b].from, b}.origin(), Comment: strings.TrimSpace(host.EOLComment), Text: text}
	view.Patterns, _ = splitWords(head.rest, nil)
	for _, node := range host.Nodes {
		kv, ok := node.(*ssh_config.KV)
		if !ok {
			continue
		}
		line := int(head.line) + kv.Pos().Line - 1
		if d, ok := f.on(b, line); ok {
			value, comment := d.split()
			view.Settings = append(view.Settings, Setting{unmaskInclude(kv.Key), value, comment, line})
		}
	}
	return view, true
}

// on is the directive of a block at a line.
func (f *file) on(b int32, line int) (*directive, bool) {
	for i := f.blocks[b].from; i < f.blocks[b].to; i++ {
		if d := &f.directives[i]; int(d.line) == line {
			return d, true
		}
	}
	return nil, false
}

// split parts a line's value from the comment behind it as ssh does, which
// ssh_config does not: in "nc %h#%p" there is none.
func (d *directive) split() (value, comment string) {
	value = d.rest
	if i := commentAt(d.rest); i >= 0 && !d.command() {
		value, comment = strings.TrimRight(d.rest[:i], white), strings.TrimSpace(d.rest[i+1:])
	}
	return value, comment
}

// command tells the keywords that take the rest of the line as it is.
func (d *directive) command() bool {
	switch d.key {
	case kProxyCommand, kLocalCommand, kRemoteCommand, kKnownHostsCommand, kVersionAddendum:
		return true
	}
	return false
}

// commentAt is where a comment starts among the words of a line, or -1.
func commentAt(rest string) int {
	for i := 0; i < len(rest); {
		switch rest[i] {
		case ' ', '\t':
			i++
			continue
		case '#':
			return i
		}
		_, end, ok := splitWord(rest, i)
		if !ok {
			return -1
		}
		i = end
	}
	return -1
}

// blockText is the text of a block up to its last line with a keyword, and the
// indented comments that follow it.
func (f *file) blockText(b int32) string {
	start := int(f.directives[f.blocks[b].from].at)
	at := int(f.directives[f.blocks[b].to-1].at)
	end := at + lineLength(f.text[at:])
	for end < len(f.text) {
		line := f.text[end : end+lineLength(f.text[end:])]
		if indented := strings.TrimLeft(line, " \t"); indented == line || !strings.HasPrefix(indented, "#") {
			break
		}
		end += len(line)
	}
	return f.text[start:end]
}

// lineLength is the length of the first line of a text with its newline.
func lineLength(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// masked stands for Include while ssh_config looks at a block: it would open
// the files.
const masked = "Includ_"

// longestViewed bounds a line: ssh_config needs time by its square.
const longestViewed = 8192

// viewable is a block as ssh_config can read it: every line ends in a newline,
// and no other file is named.
func viewable(text string) (string, bool) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = trimLine(line)
		if len(line) > longestViewed {
			return "", false
		}
		word, _, _ := splitKeyword(line)
		if i := strings.Index(line, word); equalFold(word, "include") && i >= 0 {
			line = line[:i] + masked + line[i+len(word):]
		}
		b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String(), true
}

func unmaskInclude(key string) string {
	if key == masked {
		return "Include"
	}
	return key
}

// decodeHost lets ssh_config take a block apart. It panics on some input,
// where it does not fail.
func decodeHost(text string) (host *ssh_config.Host, ok bool) {
	defer func() {
		if recover() != nil {
			host, ok = nil, false
		}
	}()
	decoded, err := ssh_config.DecodeBytes([]byte(text))
	if err != nil {
		return nil, false
	}
	for _, h := range decoded.Hosts[1:] { // the first is what stands before any Host
		if host != nil {
			return nil, false
		}
		host = h
	}
	return host, host != nil
}

package ui

import (
	"net/url"
	"strings"
)

// importKey asks for a key file of PuTTY that is to be one of OpenSSH.
func (s *screen) importKey() { s.dialog = s.importDialog("") }

// dropped takes the file that was dropped on the page of keys: a terminal then
// pastes its name.
func (s *screen) dropped(text string) {
	path := droppedFile(text)
	if !strings.HasSuffix(strings.ToLower(path), ".ppk") {
		s.tell("What can be dropped here is a key of PuTTY, a file whose name ends in .ppk.")
		return
	}
	s.dialog = s.importDialog(path)
}

// droppedFile is the path in what a terminal pastes for a file: a word of a
// shell, or a file: URI.
func droppedFile(text string) string {
	if u, err := url.Parse(strings.TrimSpace(text)); err == nil && u.Scheme == "file" {
		return u.Path
	}
	return firstWord(text)
}

// firstWord is the first word of a text, without what quotes it in a shell.
func firstWord(text string) string {
	var word strings.Builder
	var quote rune // in force, 0 for none
	escaped := false
	for _, r := range strings.TrimSpace(text) {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			return word.String()
		default:
			word.WriteRune(r)
		}
	}
	return word.String()
}

func (s *screen) importDialog(path string) *dialog {
	file := newField(false)
	file.paste(path)
	d := &dialog{
		title: "Import a key of PuTTY",
		body: []paragraph{
			{text: "Its copy in ~/.ssh is as OpenSSH has it, with the same passphrase and comment. The .ppk stays as it is.", style: s.dim},
		},
		fields: []*prompt{{"File", file}},
	}
	leave := func() { s.dialog = nil; s.askNext() }
	d.escape = leave
	d.buttons = []button{
		{"Import it", 'i', func() {
			name := strings.TrimSpace(file.shown())
			if name == "" {
				d.said = "Name the file, or drop it here."
				return
			}
			leave()
			s.importFrom(untilde(name))
		}},
		{"Cancel", 'c', leave},
	}
	return d
}

// importFrom reads the file outside the loop: its passphrase is asked for, and
// takes a while to try.
func (s *screen) importFrom(ppk string) {
	s.tell("Importing " + tilde(ppk) + "…")
	s.spawn(func() {
		made, err := s.b.ImportKey(s.ctx, ppk, s.interview)
		s.in.do(func() { s.keyMade("imported", made, err) })
	})
}

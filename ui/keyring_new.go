package ui

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"sallyport/api"
)

// newKey asks for a key that is to be made.
func (s *screen) newKey() {
	s.dialog = s.newKeyDialog()
}

// keyForm are the fields of a new key.
type keyForm struct{ kind, file, comment, passphrase, again *field }

// newKeyDialog is the form of a new key: what a passphrase is worth is said
// while it is typed, and none has to be meant.
func (s *screen) newKeyDialog() *dialog {
	f := keyForm{newField(false), newField(false), newField(false), newField(true), newField(true)}
	f.kind.paste("ed25519")
	d := &dialog{
		title: "New key",
		body: []paragraph{
			{text: "ed25519, or: rsa 4096, rsa 3072, ecdsa 256, ecdsa 384, ecdsa 521", style: s.dim},
			{text: "File: if empty, the one that ssh looks for, ~/.ssh/id_ed25519 and its like", style: s.dim},
			{text: "Comment: if empty, who you are and where", style: s.dim},
		},
		fields: []*prompt{{"Type", f.kind}, {"File", f.file}, {"Comment", f.comment}, {"Passphrase", f.passphrase}, {"The same again", f.again}},
		focus:  3,
	}
	leave := func() { d.wipe(); s.dialog = nil; s.askNext() }
	d.escape = leave
	d.live = func() line {
		if len(f.passphrase.text) == 0 {
			return nil
		}
		return line{{api.PassphraseStrength(f.passphrase.text), s.dim}}
	}
	d.buttons = []button{
		{"Make it", 'm', func() { s.pressed(d, f, f.reason(true), leave) }},
		{"Make it without a passphrase", 'w', func() { s.pressed(d, f, f.reason(false), leave) }},
		{"Cancel", 'c', leave},
	}
	return d
}

// pressed makes the key, unless there is a reason not to.
func (s *screen) pressed(d *dialog, f keyForm, reason string, leave func()) {
	if reason != "" {
		d.said = reason
		return
	}
	s.makeKey(f)
	leave()
}

// reason is why no key can be made of what was typed, with a passphrase or
// without.
func (f keyForm) reason(protected bool) string {
	_, err := f.spec()
	switch {
	case err != nil:
		return clean(err.Error())
	case !protected && len(f.passphrase.text)+len(f.again.text) > 0:
		return "A passphrase was typed: Make it, or clear both."
	case protected && len(f.passphrase.text) == 0:
		return "Whoever gets the file could use it: choose to make it without."
	case !bytes.Equal(f.passphrase.text, f.again.text):
		return "The passphrases differ."
	}
	return ""
}

// spec is the key that was asked for: a type, and a size if need be.
func (f keyForm) spec() (api.KeySpec, error) {
	words := strings.Fields(f.kind.shown())
	spec := api.KeySpec{Comment: f.comment.shown()}
	if len(words) > 0 {
		spec.Type = words[0]
	}
	if len(words) > 1 {
		bits, err := strconv.Atoi(words[1])
		if err != nil || len(words) > 2 {
			return spec, errors.New("a type, and a size in bits: rsa 4096")
		}
		spec.Bits = bits
	}
	return spec.Check()
}

// makeKey makes a key outside the loop: one of rsa takes seconds.
func (s *screen) makeKey(f keyForm) {
	spec, _ := f.spec() // it was checked
	path := untilde(strings.TrimSpace(f.file.shown()))
	passphrase := bytes.Clone(f.passphrase.text)
	s.tell("Making a key of type " + spec.Type + "…")
	s.spawn(func() {
		defer clear(passphrase)
		made, err := s.b.MakeKey(spec, path, passphrase)
		s.in.do(func() { s.keyMade("made", made, err) })
	})
}

// keyMade tells what became of a new key.
func (s *screen) keyMade(done string, made *api.MadeKey, err error) {
	if err != nil {
		message, hint := sentence(err)
		s.fail("", message, hint)
		return
	}
	s.keyring.at = made.Path
	s.tell(strings.ToUpper(done[:1]) + done[1:] + " " + tilde(made.Path) + ". i has hosts let it in, a gives it to the agent.")
	s.note("", done+" "+tilde(made.Path)+", "+made.SHA256, "")
	s.followKeys()
}

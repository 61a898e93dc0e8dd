package transport

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// farKeys finds out why the server did not accept a key, where something else
// has let us in: half of what help desks hear of is a public key that was
// pasted in bad form.
func (e *exam) farKeys(check) {
	if e.far == nil {
		return
	}
	id := e.chain.ID()
	key, path := e.refusedKey(id)
	if key == nil || len(e.progress.lines(id, acceptedLine)) > 0 {
		return
	}
	switch line, text := brokenKey(e.far.authorized); {
	case len(e.far.lines(key)) > 0:
		e.listed(path, e.far.lines(key)[0])
	case len(e.far.misplaced) > 0 && !e.far.hasFile:
		from := e.far.misplaced[0]
		fix, repair := e.overThere("mkdir -p ~/.ssh && chmod 700 ~/.ssh && mv -n " + shellescape.Quote(from) + " ~/.ssh/authorized_keys && chmod 600 ~/.ssh/authorized_keys")
		e.onFar(fmt.Sprintf("the keys there are in %s, where sshd does not look", from), fix, repair)
	case line > 0:
		fix, repair := e.install(key, path)
		e.onFar(brokenLine(line, text), fix, repair)
	default:
		fix, repair := e.install(key, path)
		e.onFar(fmt.Sprintf("authorized_keys there does not have the key %s", path), fix, repair)
	}
}

// refusedKey is the first key in a file that the server did not accept.
func (e *exam) refusedKey(id string) (ssh.PublicKey, string) {
	refused := e.progress.refused(id)
	for _, path := range e.paths() {
		facts, err := keys.Inspect(path)
		if err != nil || facts.Public == nil {
			continue
		}
		if slices.ContainsFunc(refused, func(said string) bool { return strings.Contains(said, facts.SHA256) }) {
			return keys.Plain(facts.Public), path
		}
	}
	return nil, ""
}

// lines are those of authorized_keys that have a key.
func (f *farSide) lines(key ssh.PublicKey) []keys.Authorized {
	return keys.Account{Authorized: keys.ParseAuthorized(f.authorized)}.Find(key)
}

// listed tells why a key is refused that authorized_keys has: by an option that
// bounds its use, of sshd(8), or because sshd reads another file.
func (e *exam) listed(path string, line keys.Authorized) {
	bounds := slices.DeleteFunc(slices.Clone(line.Options), func(option string) bool {
		name, _, _ := strings.Cut(strings.ToLower(option), "=")
		return name != "from" && name != "expiry-time" && name != "principals"
	})
	if len(bounds) > 0 {
		e.onFar(fmt.Sprintf("line %d of authorized_keys there has the key %s with %s, which keeps this login out", line.Line, path, strings.Join(bounds, ",")),
			"ssh -t "+shellescape.Quote(e.Host)+" vi .ssh/authorized_keys, unless it is meant so", nil)
		return
	}
	e.onFar(fmt.Sprintf("authorized_keys there has the key %s, and the server refuses it: it looks for keys elsewhere, as where a site manages them itself, or takes none of this type", path),
		"sallyport key line -i "+shellescape.Quote(path)+" prints the line for the page of your account there; or ask its administrator where keys belong", nil)
}

// brokenLine tells of a line that is no key. One of a private half is not shown.
func brokenLine(number int, text string) string {
	if private(text) {
		return fmt.Sprintf("at line %d of authorized_keys there is a private key: only the public half belongs there, so this key has to be replaced by a new one", number)
	}
	return fmt.Sprintf("line %d of authorized_keys there is no key: %q", number, shortened(config.Printable(text)))
}

// private tells whether a private key begins at a line: one in PEM's frame, or
// PuTTY's.
func private(line string) bool {
	return strings.Contains(line, " PRIVATE KEY") || strings.HasPrefix(line, "PuTTY-User-Key-File-")
}

// brokenKey is the first line of an authorized_keys file that is no key, 0 if
// there is none. One that begins a private key goes before others.
func brokenKey(text []byte) (number int, said string) {
	whole := map[int]bool{}
	for _, a := range keys.ParseAuthorized(text) {
		whole[a.Line] = true
	}
	at := 0
	for line := range bytes.Lines(text) {
		at++
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0 || line[0] == '#' || whole[at]:
		case private(string(line)):
			return at, string(line)
		case number == 0:
			number, said = at, string(line)
		}
	}
	return number, said
}

// install adds the public half of a key over the connection that there is.
func (e *exam) install(key ssh.PublicKey, path string) (fix string, repair func(context.Context) error) {
	conn := e.conn
	return "sallyport key install -i " + shellescape.Quote(path) + " " + shellescape.Quote(e.Host), func(ctx context.Context) error {
		out, problems, err := conn.run(ctx, keys.AccountScript)
		now, ok := keys.ParseAccount(out)
		if !ok {
			return cmp.Or(err, fmt.Errorf("on %q: %s", e.Host, sayable(problems)))
		}
		out, problems, err = conn.run(ctx, keys.Change{Add: keys.AuthorizedLine(key, "")}.Script(now))
		refused, ok := keys.ParseChange(out)
		if !ok {
			return cmp.Or(err, fmt.Errorf("on %q: %s", e.Host, sayable(problems)))
		}
		return refused
	}
}

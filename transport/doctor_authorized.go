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
	case e.far.lists(key):
		e.tell(Finding{Hop: e.Host, Outcome: Noted, What: fmt.Sprintf("authorized_keys there has %s, and the server looks elsewhere, or wants more than a key", path)})
	case len(e.far.misplaced) > 0 && !e.far.hasFile:
		from := e.far.misplaced[0]
		fix, repair := e.overThere("mkdir -p ~/.ssh && chmod 700 ~/.ssh && mv -n " + shellescape.Quote(from) + " ~/.ssh/authorized_keys && chmod 600 ~/.ssh/authorized_keys")
		e.onFar(fmt.Sprintf("the keys there are in %s, where sshd does not look", from), fix, repair)
	case line > 0:
		fix, repair := e.install(key, path)
		e.onFar(fmt.Sprintf("line %d of authorized_keys there is no key: %q", line, shortened(config.Printable(text))), fix, repair)
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

// lists tells whether authorized_keys has a key.
func (f *farSide) lists(key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys.ParseAuthorized(f.authorized), func(a keys.Authorized) bool { return keys.Equal(a.Public, key) })
}

// brokenKey is the first line of an authorized_keys file that is no key, 0 if
// there is none.
func brokenKey(text []byte) (number int, said string) {
	whole := map[int]bool{}
	for _, a := range keys.ParseAuthorized(text) {
		whole[a.Line] = true
	}
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && !whole[number] {
			return number, string(line)
		}
	}
	return 0, ""
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

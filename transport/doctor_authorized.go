package transport

import (
	"bytes"
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
	for line := range bytes.Lines(f.authorized) {
		if there, _, _, _, err := ssh.ParseAuthorizedKey(line); err == nil && keys.Equal(there, key) {
			return true
		}
	}
	return false
}

// brokenKey is the first line of an authorized_keys file that is no key, 0 if
// there is none.
func brokenKey(text []byte) (number int, said string) {
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if _, _, _, _, err := ssh.ParseAuthorizedKey(line); err != nil {
			return number, string(line)
		}
	}
	return 0, ""
}

// install adds the public half of a key over the connection that there is. The
// last line of the file may lack its end.
func (e *exam) install(key ssh.PublicKey, path string) (fix string, repair func(context.Context) error) {
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	_, repair = e.overThere(`umask 077; mkdir -p ~/.ssh && cd ~/.ssh || exit 1
[ -s authorized_keys ] && [ -n "$(tail -c 1 authorized_keys)" ] && echo >> authorized_keys
echo ` + shellescape.Quote(line) + ` >> authorized_keys`)
	public := strings.TrimSuffix(path, ".pub") + ".pub"
	return "ssh-copy-id -i " + shellescape.Quote(public) + " " + shellescape.Quote(e.Host), repair
}

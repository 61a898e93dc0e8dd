package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"sallyport/config"
	"sallyport/keys"
)

// explain says why the login failed: what was tried, what the server still
// accepts, and what to do. It is nil if err has another reason. Only an error
// of the handshake itself may be given, so that its goroutine has ended.
func (a *auth) explain(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	if _, _, words := disconnect(err); ended(err) && !words && a.began() {
		return a.hungUp()
	}
	if a.stop == errRefused && (a.began() || len(a.accepted) > 0) {
		return a.failure(a.lastWords(err))
	}
	// A server that ends the connection after it has refused something has
	// had enough; to come back by ourselves would begin a storm of logins.
	if _, words, ok := disconnect(err); ok && a.began() {
		return a.failure(fmt.Sprintf(" and the server ended the connection: %q", words))
	}
	if strings.Contains(err.Error(), "too many authentication attempts") {
		return a.failure(", and there may be no more than 64 attempts")
	}
	return nil
}

// lastWords is what x/crypto/ssh says of the last attempt, where it matters:
// it goes on after a request for another password (RFC 4252 section 8), and
// after a key that it had no signature for, as if they had been refused.
func (a *auth) lastWords(err error) string {
	if len(a.tried) == 0 {
		return ""
	}
	last := a.tried[len(a.tried)-1]
	switch {
	case last.method == "password" && wantsNewPassword(err):
		return ": the password has expired and the server wants a new one, which can't be given here"
	case last.method == "publickey" && strings.Contains(err.Error(), "no common public key signature algorithm"):
		last.err = errSHA1
	}
	return ""
}

// wantsNewPassword tells an error of x/crypto/ssh that is a
// SSH_MSG_USERAUTH_PASSWD_CHANGEREQ.
func wantsNewPassword(err error) bool {
	return strings.Contains(err.Error(), "unexpected message type 60 ")
}

// errSHA1 is an RSA key for a server that knows none of RFC 8332.
var errSHA1 = errors.New("the server takes only signatures by SHA-1, which PubkeyAcceptedAlgorithms leaves out")

// began reads nothing that another goroutine may still write: errors of the
// kind that it is asked about come after the handshake's end.
func (a *auth) began() bool { return len(a.tried) > 0 }

func (a *auth) failure(ending string) *Failure {
	a.forgetKeys()
	message := fmt.Sprintf("the login as %q was refused", a.host.User()) + ending
	if tried := a.account(); len(tried) > 0 {
		message += "; tried " + strings.Join(tried, ", ")
	}
	if untried := a.untried(); len(untried) > 0 {
		message += "; not tried: " + strings.Join(untried, ", ")
	}
	message += "; the server accepts " + strings.Join(a.accepted, ", ")
	return &Failure{Code: CodeAuth, Message: config.Printable(message), Hint: config.Printable(a.hint(ending != ""))}
}

// account tells of each trial; those of a person are counted.
func (a *auth) account() []string {
	var said []string
	counted := map[string]int{}
	for i, t := range a.tried {
		if t.method == "publickey" || t.partial {
			said = append(said, strings.TrimSpace(t.method+" "+t.label())+" ("+t.outcome()+")")
			continue
		}
		counted[t.method]++
		if last := !slices.ContainsFunc(a.tried[i+1:], func(o *trial) bool { return o.method == t.method && !o.partial }); last {
			said = append(said, strings.TrimSpace(t.method+" "+t.label())+" ("+t.outcome()+times(counted[t.method])+")")
		}
	}
	return said
}

func (t *trial) label() string {
	if t.key == nil {
		return t.what
	}
	return t.what + " " + keys.TypeName(t.key.key.Public)
}

func (t *trial) outcome() string {
	switch {
	case t.partial:
		return "accepted, but not enough"
	case t.err != nil && !t.signed && errors.As(t.err, new(*keys.PermissionError)):
		return "not accepted, and " + cause(t.err)
	case t.err != nil:
		return cause(t.err)
	case t.cut:
		return "not answered"
	case t.signed:
		return "known there, but its signature was refused"
	case t.method == "publickey":
		return "not accepted"
	case t.method == "keyboard-interactive" && !t.asked:
		return "refused without a question"
	}
	return "refused"
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" %d times", n)
}

// untried are the methods of the server that were not used, and the keys that
// could not be.
func (a *auth) untried() []string {
	var all []string
	for _, name := range a.accepted {
		if slices.ContainsFunc(a.tried, func(t *trial) bool { return t.method == name }) {
			continue
		}
		why := a.enabled(name)
		switch {
		case a.why[name] != nil:
			why = a.why[name]
		case name == "publickey" && a.spent[name]:
			why = errors.New("no key to offer")
		case why == nil && slices.Contains(a.preferred(), name):
			why = errors.New("it did not come to that")
		case why == nil:
			why = errors.New("not among PreferredAuthentications")
		}
		all = append(all, fmt.Sprintf("%s (%v)", name, why))
	}
	for _, p := range a.unused {
		all = append(all, fmt.Sprintf("%s (%s)", p.what, cause(p.err)))
	}
	return all
}

// cause leaves out what the sentence around an error says already.
func cause(err error) string {
	var (
		path *fs.PathError
		file *keys.FileError
	)
	switch {
	case errors.As(err, &path):
		return path.Err.Error()
	case errors.As(err, &file):
		return file.Err.Error()
	}
	return err.Error()
}

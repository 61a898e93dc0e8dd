package transport

import (
	"fmt"

	"sallyport/config"
	"sallyport/keys"
)

// hungUp is the end of a login whose connection ended without a word. A server
// that is killed or restarted ends it so, and one that has had enough.
func (a *auth) hungUp() *Failure {
	if a.last > 0 {
		a.tried = a.tried[:a.last] // the others were made on a dead connection
	}
	last := a.tried[len(a.tried)-1]
	if a.harmless(last) {
		return &Failure{
			Code:    CodeClosed,
			Message: config.Printable(fmt.Sprintf("the server closed the connection during the login as %q: publickey %s was not answered", a.host.User(), last.label())),
			HungUp:  true,
		}
	}
	last.cut = !last.refused && (last.asked || last.signed)
	f := a.failure(" and the server closed the connection")
	f.HungUp = last.cut
	return f
}

// tooLate is for an answer that came when the server had gone: it waits for only
// so long (LoginGraceTime of sshd_config(5), two minutes by default). The question
// stays until then, lest what is being typed goes elsewhere.
func (a *auth) tooLate(q Question) *Failure {
	return &Failure{
		Code:    CodeClosed,
		Message: config.Printable(fmt.Sprintf("the server closed the connection during the login as %q: %s was answered too late", a.host.User(), subject(q))),
		Hint:    "try again, and answer sooner: servers wait two minutes (LoginGraceTime), or less",
	}
}

// harmless tells whether a login that broke off may be made again by itself:
// nothing of a person's was in it, and the server has refused nothing but keys
// that it did not know, nor said anything to what it was asked last.
func (a *auth) harmless(last *trial) bool {
	for _, t := range a.tried {
		if t.method != "publickey" || t.err != nil || keys.IsSecurityKey(t.key.key.Public) || t != last && t.signed && !t.partial {
			return false
		}
	}
	return a.spoken < len(a.tried) && (last.signed || len(a.tried) == 1)
}

// breaksMost is how many logins in a row may break off before that is taken for
// a refusal: a server that hangs up on an account says no more than one that is
// restarted.
const breaksMost = 3

// brokeOff counts the logins of a link that broke off, and ends the trying.
func (l *Link) brokeOff(f *Failure) {
	if f.Code != CodeClosed || !f.HungUp {
		return
	}
	if l.owned.breaks++; l.owned.breaks >= breaksMost {
		f.Code = CodeAuth
		f.Hint = fmt.Sprintf("it was so %d times in a row: ask the server's administrator whether the account may log in", breaksMost)
	}
}

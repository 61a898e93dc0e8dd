package transport

import (
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// What a server may say before anybody is logged in; x/crypto/ssh limits
// packets to 256 KiB and attempts to 64, but not these.
const (
	bannersMost = 64 << 10 // bytes of SSH_MSG_USERAUTH_BANNER in a login, and a byte for each: pages of terms of use have 10 KiB
	promptsMost = 100      // prompts of one question: sshd takes no more answers (auth2-chall.c)
	roundsMost  = 100      // questions of keyboard-interactive in a login: each may be one without prompts, which nobody has to answer
	wordsMost   = 8 << 10  // bytes of one text that a person is to read
	methodsMost = 32       // methods of a server that count: OpenSSH has 7
)

// banner counts what the server shows, and ends a login that has become
// nothing else. It closes the connection instead of failing: x/crypto/ssh
// then reads what has come already, where after an error its reader would
// wait for ever with it.
func (a *auth) banner(text string) {
	a.banners += len(text) + 1
	a.spoken = len(a.tried)
	if a.banners <= bannersMost || a.stop != nil {
		return
	}
	_ = a.endless(fmt.Sprintf("the server shows no end of banners (more than %d KiB)", bannersMost>>10)) // next returns it
	if a.cut != nil {
		a.cut()
	}
}

// fits tells why a question of keyboard-interactive is not put to anybody.
func (a *auth) fits(prompts int) error {
	a.questions++
	switch {
	case prompts > promptsMost:
		return a.endless(fmt.Sprintf("the server asks %d things at once, more than %d", prompts, promptsMost))
	case a.questions > roundsMost:
		return a.endless(fmt.Sprintf("the server does not stop asking (more than %d questions)", roundsMost))
	}
	return nil
}

// endless stops a login that is none.
func (a *auth) endless(message string) error {
	a.stop = &Failure{Code: CodeAuth, Message: "the login was given up: " + message, Hint: "this may not be the server that you want: ssh -v " + shellescape.Quote(a.host.Name)}
	return a.stop
}

// clipped is the beginning of a text of the server.
func clipped(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " ..."
}

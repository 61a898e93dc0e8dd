package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
)

// sshAsker asks on the terminal, or by SSH_ASKPASS, in ssh's own words: other
// programs wait for them.
type sshAsker struct {
	chain transport.Chain
	log   *sshLog
	floor floor
}

// Ask implements transport.Asker.
func (a *sshAsker) Ask(ctx context.Context, q transport.Question) (transport.Answer, error) {
	give, err := a.floor.take(ctx)
	if err != nil {
		return transport.Answer{}, err
	}
	defer give()
	a.announce(q)
	answer, err := prompt(ctx, q, a.words(q))
	switch {
	case ctx.Err() != nil:
		return answer, context.Cause(ctx)
	case err == nil:
		return answer, nil
	case err == errNoTerminal && q.Kind != api.AskHostKey:
		// As ssh's read_passphrase (readpass.c): the next key or method may log
		// in, and of a login that fails this is told in the account of it.
		a.log.say(logVerbose, "sallyport: %s", err)
	case !errors.Is(err, errDeclined):
		a.log.say(logError, "sallyport: %s", api.AsError(err).Message)
	}
	switch {
	case q.Kind == api.AskHostKey:
		return transport.Answer{Choice: api.Refuse}, nil
	case err == errNoTerminal:
		return answer, transport.ErrNobody
	}
	return answer, transport.ErrCancelled
}

// announce says what ssh logs before it asks.
func (a *sshAsker) announce(q transport.Question) {
	switch {
	case q.Kind == api.AskPassword && q.Try > 1:
		a.log.say(logError, "Permission denied, please try again.")
	case q.Kind == api.AskInteractive && q.FromServer:
		for line := range strings.Lines(q.Instruction) {
			a.log.say(logInfo, "%s", strings.TrimRight(line, "\n"))
		}
	}
}

// words are those of userauth_passwd, userauth_kbdint, load_identity_file and
// identity_sign (sshconnect2.c), and of check_host_key and
// maybe_add_key_to_agent (sshconnect.c).
func (a *sshAsker) words(q transport.Question) wording {
	h := a.chain[q.Hop-1].Host
	login := q.Login
	return wording{
		heading: func(q api.Question) string { return hostKeyWords(q, h) },
		prompt: func(q api.Question, p api.Prompt) string {
			switch q.Kind {
			case api.AskPassword:
				return login + "'s password: "
			case api.AskPassphrase:
				return fmt.Sprintf("Enter passphrase for key '%s': ", q.File)
			case api.AskPIN:
				return promptText(p.Text)
			}
			if !q.FromServer { // an ssh that lends us its connection
				return promptText(p.Text)
			}
			return "(" + login + ") " + promptText(p.Text)
		},
		choices: func(q api.Question) string {
			if q.Kind == api.AskAddKey {
				return q.Title
			}
			return "Are you sure you want to continue connecting (yes/no/[fingerprint])? "
		},
		again: func(api.Question) string { return "Please type 'yes', 'no' or the fingerprint: " },
	}
}

// sshName is how ssh names a host that asks: by its HostKeyAlias, or where it
// is.
func sshName(h *config.Host) string {
	if alias := given(h, "HostKeyAlias"); alias != "" {
		return alias
	}
	return h.HostName()
}

// hostKeyWords are what ssh says of a new host key, "" for other questions.
func hostKeyWords(q api.Question, h *config.Host) string {
	if q.HostKey == nil {
		return ""
	}
	name := sshName(h)
	if h.Port() != defaultPort && given(h, "HostKeyAlias") == "" {
		name = fmt.Sprintf("[%s]:%d", name, h.Port())
	}
	address := q.HostKey.Address
	if address == "" {
		address = "<no hostip for proxy command>"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "The authenticity of host '%s (%s)' can't be established.\n", api.Printable(name), address)
	fmt.Fprintf(&b, "%s key fingerprint is %s.\n", q.HostKey.Type, q.HostKey.Fingerprint)
	if h.Get("VisualHostKey") == "yes" {
		indentLines(&b, "", q.HostKey.Art)
	}
	indentLines(&b, "", q.HostKey.Note)
	return b.String()
}

const defaultPort = 22

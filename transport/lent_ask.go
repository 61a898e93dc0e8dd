package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"sallyport/config"
)

const (
	inquiryLimit = 64 << 10 // bytes of a prompt
	answerLimit  = 4 << 10  // bytes of an answer
)

// inquiry is what ssh asks of an SSH_ASKPASS (readpass.c): a prompt, and in
// SSH_ASKPASS_PROMPT what kind of answer it expects.
type inquiry struct {
	hint, prompt string
}

// inquiries are those of one ssh.
type inquiries struct {
	call   dialCall
	said   *tail // ssh's words in between: "Permission denied, please try again."
	giveUp context.CancelCauseFunc

	mu   sync.Mutex // guards seen
	seen map[string]int
}

// serveQuestions has ssh's questions asked as if they were ours.
func (c dialCall) serveQuestions(ctx context.Context, giveUp context.CancelCauseFunc, m *master) error {
	all := &inquiries{call: c, said: m.started.said, giveUp: giveUp, seen: map[string]int{}}
	return c.listenInRoom(ctx, m.room, askpassName, func(conn net.Conn) { all.answer(ctx, conn) })
}

// answer answers one inquiry. One that nobody answers ends the attempt before
// ssh hears of it, which would try an empty password.
func (a *inquiries) answer(ctx context.Context, conn net.Conn) {
	text, err := io.ReadAll(io.LimitReader(conn, inquiryLimit))
	if err != nil {
		return // ssh, or its helper, has ended
	}
	hint, prompt, _ := strings.Cut(string(text), "\x00")
	asked := inquiry{hint, prompt}
	if asked.isNews() {
		a.call.step(config.Printable(strings.TrimSpace(prompt)))
		return
	}
	line, err := a.put(ctx, asked)
	defer clear(line)
	if err != nil {
		a.giveUp(err)
		return
	}
	_, _ = conn.Write(line) // ssh may have ended
}

// put asks the person and returns the line for ssh.
func (a *inquiries) put(ctx context.Context, asked inquiry) ([]byte, error) {
	q := asked.question()
	a.mu.Lock()
	a.seen[asked.prompt]++
	q.Try = a.seen[asked.prompt]
	a.mu.Unlock()
	if said := a.said.lastLine(); said != "" && q.Try > 1 {
		q.Instruction = strings.TrimPrefix(q.Instruction+"\n"+said, "\n")
	}
	answer, err := a.call.ask(ctx, q)
	if err != nil {
		if errors.Is(err, ErrCancelled) {
			err = &Failure{Code: CodeCancelled, Message: fmt.Sprintf("the login to %q was given up: %s was not answered", a.call.host().Name, subject(q))}
		}
		return nil, err
	}
	defer answer.Wipe()
	if q.Kind == AskHostKey {
		if answer.Choice != AcceptAndRemember {
			return nil, &Failure{Code: "hostkey-unknown", Message: fmt.Sprintf("the host key %s was not accepted", q.HostKey.Fingerprint)}
		}
		return []byte("yes\n"), nil
	}
	if len(answer.Texts) != 1 {
		return nil, fmt.Errorf("%d answers came for one prompt", len(answer.Texts))
	}
	return append(answer.Texts[0][:len(answer.Texts[0]):len(answer.Texts[0])], '\n'), nil
}

// isNews tells whether nothing is asked: "Confirm user presence for key ...".
func (i inquiry) isNews() bool { return i.hint == "none" }

// The questions of ssh that a person is shown as ours: sshconnect.c
// check_host_key, sshconnect2.c load_identity_file and userauth_passwd. They
// begin in a way that a server's own prompt cannot: ssh puts "(user@host) " in
// front of that (8.5 and later).
var (
	hostKeyPrompt    = pattern(`(?s)^The authenticity of host .*?(\S+) key fingerprint is (\S+?)\.?\r?\n.*\(yes/no`)
	passphrasePrompt = pattern(`^Enter passphrase for (?:key )?'?([^']+)'?: $`)
	passwordPrompt   = pattern(`^[^(\s]\S*@\S+'s password: $`)
	changePrompt     = pattern(`^(Enter|Retype) \S+@\S+'s (old|new) password: $`) // input_userauth_passwd_changereq
)

// question is an inquiry as a person is asked it. What is not recognized is
// shown as ssh put it, and as the server's words, for it may be.
func (i inquiry) question() Question {
	text := printableLines(i.prompt)
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	last := lines[len(lines)-1]
	q := Question{
		Kind:        AskInteractive,
		Title:       "ssh asks.",
		Instruction: strings.Join(lines[:len(lines)-1], "\n"),
		Prompts:     []Prompt{{Text: last, Echo: i.hint == "confirm" || strings.Contains(last, "(yes/no")}},
		FromServer:  true,
	}
	if m := hostKeyPrompt().FindStringSubmatch(i.prompt); m != nil {
		q.Kind, q.FromServer = AskHostKey, false
		q.Title, q.Instruction, q.Prompts = lines[0], "", nil
		q.HostKey = &HostKey{Type: config.Printable(m[1]), Fingerprint: config.Printable(m[2]), Note: strings.Join(lines[1:len(lines)-1], "\n")}
		q.Choices = []string{AcceptAndRemember, Refuse}
	} else if m := passphrasePrompt().FindStringSubmatch(i.prompt); m != nil {
		q.Kind, q.File, q.FromServer = AskPassphrase, config.Printable(m[1]), false
	} else if passwordPrompt().MatchString(i.prompt) {
		q.Kind, q.FromServer = AskPassword, false
	} else if changePrompt().MatchString(i.prompt) {
		q.Title, q.FromServer = "The password has expired: the server wants a new one.", false
	}
	return q
}

// printableLines makes text harmless and keeps its lines.
func printableLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		lines[i] = config.Printable(strings.TrimRight(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sallyport/api"
)

// terminalAsker asks the questions of some links on the terminal, one after
// the other, or by SSH_ASKPASS where there is no terminal.
type terminalAsker struct {
	client *api.Client
	err    error // why a question could not be asked; read after wait

	mu   sync.Mutex
	open map[string]context.CancelFunc // questions being asked, by ID; guarded by mu

	turn chan struct{} // held by the question that has the terminal
	wg   sync.WaitGroup
}

func newTerminalAsker(c *api.Client) *terminalAsker {
	return &terminalAsker{client: c, open: make(map[string]context.CancelFunc), turn: make(chan struct{}, 1)}
}

// see begins to ask what is new among the questions of links, and stops
// asking what has been answered elsewhere.
func (a *terminalAsker) see(ctx context.Context, now api.Snapshot, links []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, stop := range a.open {
		if !slices.ContainsFunc(now.Questions, func(q api.Question) bool { return q.ID == id }) {
			stop()
		}
	}
	for _, q := range now.Questions {
		if a.open[q.ID] != nil || !slices.Contains(links, q.Link) {
			continue
		}
		asking, stop := context.WithCancel(ctx)
		a.open[q.ID] = stop
		a.wg.Go(func() {
			defer stop()
			a.ask(asking, q)
		})
	}
}

// wait waits until nothing is being asked.
func (a *terminalAsker) wait() { a.wg.Wait() }

func (a *terminalAsker) ask(ctx context.Context, q api.Question) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return
	}
	answer, err := prompt(ctx, q, ourWords)
	defer answer.Wipe()
	if ctx.Err() != nil {
		return // answered elsewhere, or interrupted
	}
	if err == nil {
		err = a.client.Answer(ctx, q.ID, answer)
	} else {
		a.refuse(q, err)
		err = a.client.Cancel(ctx, q.ID)
	}
	if err != nil && api.AsError(err).Code != api.CodeNotFound && ctx.Err() == nil {
		a.refuse(q, err)
	}
}

// refuse keeps the reason why a question was not answered, unless the person
// did not want to.
func (a *terminalAsker) refuse(q api.Question, err error) {
	if errors.Is(err, errDeclined) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = fmt.Errorf("%s: %w", asks(q), err)
}

// errDeclined is the answer of a person who ends the input or says no.
var errDeclined = errors.New("declined")

// errNoTerminal tells why nothing can be asked.
var errNoTerminal = &api.Error{
	Code:    "no-terminal",
	Message: "there is no terminal to ask on, and no SSH_ASKPASS",
}

// wording is how a question is put to a person.
type wording struct {
	heading func(api.Question) string             // what stands above the prompts
	prompt  func(api.Question, api.Prompt) string // what stands before the cursor
	choices string                                // of a host key: asked first
	again   string                                // and when the answer is none of them
}

var ourWords = wording{
	heading: heading,
	prompt:  func(_ api.Question, p api.Prompt) string { return promptText(p.Text) },
	choices: "Are you sure you want to continue connecting (yes/no/once/[fingerprint])? ",
	again:   "Please type 'yes', 'no', 'once' or the fingerprint: ",
}

// prompt asks one question.
func prompt(ctx context.Context, q api.Question, w wording) (api.Answer, error) {
	if asker, ok := askpass(); ok {
		return asker.ask(ctx, q, w)
	}
	tty, ok := openControlling()
	if !ok {
		return api.Answer{}, errNoTerminal
	}
	defer tty.close()
	tty.print(w.heading(q))
	if q.Kind == api.AskHostKey {
		return promptHostKey(ctx, tty, q, w)
	}
	var answer api.Answer
	for _, p := range q.Prompts {
		text, err := tty.line(ctx, w.prompt(q, p), p.Echo)
		if err != nil {
			answer.Wipe()
			return api.Answer{}, err
		}
		answer.Texts = append(answer.Texts, text)
	}
	return answer, nil
}

// promptText is a prompt as it stands on a line, with the cursor after it.
func promptText(s string) string {
	s = strings.TrimRight(s, " ")
	if s == "" || strings.HasSuffix(s, ":") || strings.HasSuffix(s, "?") {
		return s + " "
	}
	return s + ": "
}

// asks names who asks: "jean-zay, hop 2 of 2 (smith@jean-zay.idris.fr:22)".
func asks(q api.Question) string {
	hop := ""
	if q.Hops > 1 {
		hop = fmt.Sprintf(", hop %d of %d", q.Hop, q.Hops)
	}
	return fmt.Sprintf("%s%s (%s)", q.Host, hop, q.Address)
}

// heading is what stands above the prompts, and the key of a host.
func heading(q api.Question) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", asks(q))
	if q.Title != "" {
		fmt.Fprintf(&b, "  %s\n", q.Title)
	}
	indent := "  "
	if q.FromServer {
		indent = "  | " // the server's own words
	}
	indentLines(&b, indent, q.Instruction)
	if q.HostKey != nil {
		fmt.Fprintf(&b, "  %s key fingerprint is %s.\n", q.HostKey.Type, q.HostKey.Fingerprint)
		indentLines(&b, "  ", q.HostKey.Art)
		indentLines(&b, "  ", q.HostKey.Note)
	}
	return b.String()
}

func indentLines(b *strings.Builder, indent, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "%s%s\n", indent, strings.TrimRight(line, "\n"))
	}
}

// promptHostKey asks as ssh does: yes, no, or the fingerprint itself; "once"
// is ours.
func promptHostKey(ctx context.Context, tty *terminal, q api.Question, w wording) (api.Answer, error) {
	text := w.choices
	for {
		line, err := tty.line(ctx, text, true)
		if err != nil {
			return api.Answer{}, err
		}
		if choice, ok := hostKeyChoice(string(line), q); ok {
			if choice == api.Refuse {
				return api.Answer{}, errDeclined
			}
			return api.Answer{Choice: choice}, nil
		}
		text = w.again
	}
}

// hostKeyChoice reads the answer to a host-key question.
func hostKeyChoice(line string, q api.Question) (string, bool) {
	line = strings.TrimSpace(line)
	switch {
	case strings.EqualFold(line, "yes"), q.HostKey != nil && line == q.HostKey.Fingerprint:
		return api.AcceptAndRemember, true
	case strings.EqualFold(line, "once"):
		return api.AcceptOnce, true
	case strings.EqualFold(line, "no"):
		return api.Refuse, true
	}
	return "", false
}

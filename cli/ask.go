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
	open map[string]asking // by ID; guarded by mu

	floor  floor
	opened map[string]*opening // by the file of the key; touched only by who has the floor
	touch  touches
	banner *banners // nil: not printed
	waits  *waits   // likewise
	wg     sync.WaitGroup
}

// asking is a question on its way to the terminal.
type asking struct {
	api.Question
	stop context.CancelFunc
}

// opening is what a person has said to those that want to open a key.
type opening struct {
	answer api.Answer
	err    error           // errDeclined: it stays closed
	had    map[string]bool // the links that have had the answer
	typed  int             // answers until this one: a link has had no more
}

// suits tells that a question can be answered so without asking the person.
func (o *opening) suits(q api.Question) bool {
	return o.err != nil || !o.had[q.Link] && q.Try <= o.typed
}

func (a *app) asker(c *api.Client) *terminalAsker {
	return &terminalAsker{client: c, open: make(map[string]asking), opened: make(map[string]*opening), floor: newFloor(), banner: a.banners()}
}

// see begins to ask what is new among the questions of links, and stops
// asking what has been answered elsewhere. A touch is asked for like them, and
// what is said on the way is printed before.
func (a *terminalAsker) see(ctx context.Context, now api.Snapshot, links []string) {
	a.tell(now, links)
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, asked := range a.open {
		if !slices.ContainsFunc(now.Questions, func(q api.Question) bool { return q.ID == id }) {
			asked.stop()
		}
	}
	for _, q := range now.Questions {
		if _, known := a.open[q.ID]; known || !slices.Contains(links, q.Link) {
			continue
		}
		ctx, stop := context.WithCancel(ctx)
		a.open[q.ID] = asking{q, stop}
		a.wg.Go(func() {
			defer stop()
			a.ask(ctx, q)
		})
	}
}

// tell prints what is new of links and needs no answer.
func (a *terminalAsker) tell(now api.Snapshot, links []string) {
	for _, l := range now.Links {
		if !slices.Contains(links, l.ID) {
			continue
		}
		if a.banner != nil {
			a.banner.see(l)
		}
		if a.waits != nil {
			a.waits.see(l)
		}
		a.touch.see(l)
	}
}

// wait waits until nothing is being asked, and forgets what was answered.
func (a *terminalAsker) wait() {
	a.wg.Wait()
	for _, o := range a.opened {
		o.answer.Wipe()
	}
	clear(a.opened)
}

// between does f while no question has the terminal.
func (a *terminalAsker) between(f func() error) error {
	a.floor <- struct{}{}
	defer func() { <-a.floor }()
	return f()
}

func (a *terminalAsker) ask(ctx context.Context, q api.Question) {
	give, err := a.floor.take(ctx)
	if err != nil {
		return
	}
	defer give()
	answer, err := a.answer(ctx, q)
	defer answer.Wipe()
	if ctx.Err() != nil {
		return // answered elsewhere, or interrupted
	}
	switch {
	case err == nil:
		err = a.put(ctx, q, answer)
	case err == errNoTerminal && forLogin(q):
		a.refuse(q, err)
		err = a.client.CannotAsk(ctx, q.ID)
	default:
		a.refuse(q, err)
		err = a.client.Cancel(ctx, q.ID)
	}
	if err != nil && api.AsError(err).Code != api.CodeNotFound && ctx.Err() == nil {
		a.refuse(q, err)
	}
}

// forLogin tells that a question is for one of several ways to log in: another key or
// method may need no answer.
func forLogin(q api.Question) bool {
	switch q.Kind {
	case api.AskPassphrase, api.AskPIN, api.AskPassword, api.AskInteractive:
		return true
	}
	return false
}

// put gives the answer to the background process, which passes the passphrase of a
// key to all who asked for it until then: those are not asked any more.
func (a *terminalAsker) put(ctx context.Context, q api.Question, answer api.Answer) error {
	answered := a.same(q)
	err := a.client.Answer(ctx, q.ID, answer)
	if err == nil {
		for _, other := range answered {
			other.stop()
			a.opened[q.File].had[other.Link] = true
		}
	}
	return err
}

// same are the other questions for the passphrase that q asks for.
func (a *terminalAsker) same(q api.Question) (same []asking) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, other := range a.open {
		if id != q.ID && other.Alike(q) {
			same = append(same, other)
		}
	}
	return same
}

// answer is the person's. For the passphrase of a key it is asked once in a
// command, however many hosts want it, unless it was wrong; who declines, declines
// for all of them.
func (a *terminalAsker) answer(ctx context.Context, q api.Question) (api.Answer, error) {
	if q.Kind != api.AskPassphrase {
		return prompt(ctx, q, ourWords)
	}
	said := a.opened[q.File]
	if said == nil || !said.suits(q) {
		answer, err := prompt(ctx, q, ourWords)
		if err != nil && !errors.Is(err, errDeclined) || ctx.Err() != nil {
			return answer, err
		}
		next := &opening{answer: answer, err: err, had: make(map[string]bool), typed: 1}
		if said != nil {
			said.answer.Wipe()
			next.typed += said.typed
		}
		said, a.opened[q.File] = next, next
	}
	said.had[q.Link] = true
	return said.answer.Clone(), said.err
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
	choices func(api.Question) string             // asked first where there are choices
	again   func(api.Question) string             // and when the answer is none of them
}

var ourWords = wording{
	heading: heading,
	prompt:  func(_ api.Question, p api.Prompt) string { return promptText(p.Text) },
	choices: func(q api.Question) string {
		if q.Kind == api.AskAddKey || q.Kind == api.AskShare {
			return "  (yes/no)? "
		}
		return "Are you sure you want to continue connecting (" + strings.Join(append(offered(q), "[fingerprint]"), "/") + ")? "
	},
	again: func(q api.Question) string {
		return "Please type '" + strings.Join(offered(q), "', '") + "' or the fingerprint: "
	},
}

// offered are the words that answer a question about a host key: a place to
// remember it may be missing, and "once" is not for every kind of link.
func offered(q api.Question) []string {
	var words []string
	for _, w := range []struct{ choice, word string }{
		{api.AcceptAndRemember, "yes"}, {api.Refuse, "no"}, {api.AcceptOnce, "once"},
	} {
		if slices.Contains(q.Choices, w.choice) {
			words = append(words, w.word)
		}
	}
	return words
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
	if len(q.Choices) > 0 {
		return promptChoice(ctx, tty, q, w)
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

// promptChoice asks as ssh does: for a host key yes, no, or the fingerprint
// itself; "once" is ours.
func promptChoice(ctx context.Context, tty *terminal, q api.Question, w wording) (api.Answer, error) {
	text := w.choices(q)
	for {
		line, err := tty.line(ctx, text, true)
		if err != nil {
			return api.Answer{}, err
		}
		if choice, ok := choiceOf(string(line), q); ok {
			return chose(choice)
		}
		text = w.again(q)
	}
}

// chose is an answer, or the refusal of one.
func chose(choice string) (api.Answer, error) {
	if choice == api.Refuse {
		return api.Answer{}, errDeclined
	}
	return api.Answer{Choice: choice}, nil
}

// choiceOf reads the answer to a question that has choices.
func choiceOf(line string, q api.Question) (string, bool) {
	line = strings.TrimSpace(line)
	if q.Kind == api.AskAddKey {
		return addKeyChoice(line), true
	}
	accept := api.AcceptAndRemember
	if !slices.Contains(q.Choices, accept) {
		accept = api.AcceptOnce
	}
	switch {
	case strings.EqualFold(line, "yes"), q.HostKey != nil && line == q.HostKey.Fingerprint:
		return accept, true
	case strings.EqualFold(line, "once"):
		return api.AcceptOnce, slices.Contains(q.Choices, api.AcceptOnce)
	case strings.EqualFold(line, "no"):
		return api.Refuse, true
	}
	return "", false
}

// addKeyChoice is ask_permission of readpass.c: Enter alone is a yes.
func addKeyChoice(line string) string {
	if line == "" || strings.EqualFold(line, "yes") {
		return api.AddKey
	}
	return api.Refuse
}

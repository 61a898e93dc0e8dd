package cli

import (
	"bytes"
	"context"

	"sallyport/api"
	"sallyport/keys"
	"sallyport/transport"
)

// person is whom an installation asks: somebody at the terminal, or before the
// screen.
type person interface {
	// ready waits until a session runs, while what the way has to ask is asked.
	ready(ctx context.Context, c *api.Client, t *api.Terminal) error
	// agrees asks whether a fault, which was told, is to be mended. It is a no
	// where nobody can be asked.
	agrees(ctx context.Context, f keys.Fault) (bool, error)
	// asker asks what a login of our own has to ask.
	asker() proofAsker
}

// proofAsker is an asker that knows why a question could not be asked.
type proofAsker interface {
	transport.Asker
	unasked() error
}

// atTerminal asks on the controlling terminal, or by SSH_ASKPASS.
type atTerminal struct{ *app }

func (atTerminal) agrees(ctx context.Context, f keys.Fault) (bool, error) {
	tty, ok := openControlling()
	if !ok {
		return false, nil
	}
	defer tty.close()
	return tty.agrees(ctx, "Mend it there with "+f.Mend+"?")
}

func (atTerminal) asker() proofAsker { return &terminalProof{floor: newFloor()} }

// onScreen asks in dialogs. What the background process has to ask of the way,
// it asks there by itself.
type onScreen struct {
	host string
	ask  api.Interview
}

func (onScreen) ready(ctx context.Context, _ *api.Client, t *api.Terminal) error { return t.Ready(ctx) }

func (p onScreen) agrees(ctx context.Context, f keys.Fault) (bool, error) {
	answer, ok := p.ask(ctx, api.Question{
		Host: p.host, Address: p.host, Title: api.Printable(f.Path + ": " + f.Message),
		Prompts: []api.Prompt{{Text: "Mend it there with " + f.Mend + "? (yes or no)", Echo: true}},
	})
	if !ok {
		return false, ctx.Err()
	}
	return string(bytes.ToLower(bytes.TrimSpace(answer.Texts[0]))) == "yes", nil
}

func (p onScreen) asker() proofAsker { return screenProof{p.ask} }

// screenProof is an Interview, which a declined question ends by itself.
type screenProof struct{ api.Interview }

func (screenProof) unasked() error { return nil }

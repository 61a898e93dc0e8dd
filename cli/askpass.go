package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"

	"sallyport/api"
)

// askpassProgram asks through the program of SSH_ASKPASS, ssh(1).
type askpassProgram string

// askpass tells whether to ask by program: always with SSH_ASKPASS_REQUIRE
// force, with prefer or without a terminal only where there is a display.
func askpass() (askpassProgram, bool) {
	program := os.Getenv("SSH_ASKPASS")
	if program == "" {
		return "", false
	}
	display := os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
	switch os.Getenv("SSH_ASKPASS_REQUIRE") {
	case "never":
		return "", false
	case "force":
		return askpassProgram(program), true
	case "prefer":
		return askpassProgram(program), display
	}
	if tty, ok := openControlling(); ok {
		tty.close()
		return "", false
	}
	return askpassProgram(program), display
}

func (p askpassProgram) ask(ctx context.Context, q api.Question, w wording) (api.Answer, error) {
	if len(q.Choices) > 0 {
		line, err := p.run(ctx, w.heading(q)+w.choices(q))
		if err != nil {
			return api.Answer{}, err
		}
		if choice, ok := choiceOf(string(line), q); ok {
			return chose(choice)
		}
		return api.Answer{}, errDeclined
	}
	var answer api.Answer
	for _, prompt := range q.Prompts {
		text, err := p.run(ctx, w.heading(q)+w.prompt(q, prompt))
		if err != nil {
			answer.Wipe()
			return api.Answer{}, err
		}
		answer.Texts = append(answer.Texts, text)
	}
	return answer, nil
}

// run asks for one line. That the program fails is a person's refusal.
func (p askpassProgram) run(ctx context.Context, text string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, string(p), text)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if _, refused := err.(*exec.ExitError); refused {
		return nil, errDeclined
	}
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

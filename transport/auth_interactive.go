package transport

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// password is RFC 4252 section 8, as userauth_passwd (sshconnect2.c).
func (a *auth) password() ssh.AuthMethod {
	q := Question{Kind: AskPassword, Prompts: []Prompt{{Text: "Password"}}, Try: a.try("password")}
	text := a.recall(q)
	if text == nil {
		if a.passwords >= number(a.host, "NumberOfPasswordPrompts") {
			return nil
		}
		a.passwords++
	}
	q.Title = config.Printable(fmt.Sprintf("%s asks for a password.", a.login()))
	if q.Try > 1 {
		q.Title = config.Printable(fmt.Sprintf("%s did not accept that password.", a.login()))
	}
	a.takeWords(&q)
	t := a.begin(&trial{method: "password", kept: text != nil})
	// The second call comes after a refusal only, so that it is told from the
	// request for another password, which x/crypto/ssh cannot answer.
	return ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
		if t.asked {
			t.refused = true
			return "", errRefused
		}
		if text == nil {
			answer, err := a.put(q)
			if err != nil {
				t.err = err
				return "", err
			}
			text = answer.Texts[0]
		}
		t.asked = true
		defer clear(text)
		// x/crypto/ssh takes a string, which can't be wiped.
		return string(text), nil
	}), 2)
}

// unanswered tells that a password was neither accepted nor refused, on a
// connection that lives: the server wants a new one (RFC 4252 section 8), and
// would be given the old one again.
func (a *auth) unanswered() bool {
	if len(a.tried) == 0 || a.lost == nil || a.lost() != nil {
		return false
	}
	last := a.tried[len(a.tried)-1]
	return last.method == "password" && last.asked && !last.refused && !last.partial
}

// interactive is RFC 4256, as userauth_kbdint (sshconnect2.c).
func (a *auth) interactive() ssh.AuthMethod {
	// A server that never asks would be begged for ever.
	if a.rounds >= number(a.host, "NumberOfPasswordPrompts") || a.rounds > 0 && !a.asked {
		return nil
	}
	a.rounds++
	if devices := a.host.Get("KbdInteractiveDevices"); devices != "" {
		a.told.say(1, "KbdInteractiveDevices %s is not told to the server: x/crypto/ssh cannot", devices)
	}
	try := a.try("keyboard-interactive")
	t := a.begin(&trial{method: "keyboard-interactive"})
	return ssh.KeyboardInteractive(func(name, instruction string, prompts []string, echos []bool) ([]string, error) {
		a.asked = true
		answers, err := a.round(t, try, name, instruction, prompts, echos)
		t.err = err
		return answers, err
	})
}

// round answers one request of the server. One without prompts only informs:
// its words are shown as the step, and again with the next question.
func (a *auth) round(t *trial, try int, name, instruction string, prompts []string, echos []bool) ([]string, error) {
	if err := a.fits(len(prompts)); err != nil {
		return nil, err
	}
	if len(prompts) == 0 {
		words := lines(name + "\n" + instruction)
		if len(words) > 0 {
			a.step("keyboard-interactive: " + words[0])
		}
		a.unshown = append(a.unshown, words...)
		return nil, nil
	}
	q := a.interactiveQuestion(name, instruction, prompts, echos)
	q.Try = try
	if text := a.recall(q); text != nil {
		defer clear(text)
		t.kept, t.asked = true, true
		a.rounds--
		return []string{string(text)}, nil
	}
	answer, err := a.put(q)
	if err != nil {
		return nil, err
	}
	t.asked = true
	defer answer.Wipe()
	answers := make([]string, len(answer.Texts))
	for i, text := range answer.Texts {
		answers[i] = string(text)
	}
	return answers, nil
}

func (a *auth) interactiveQuestion(name, instruction string, prompts []string, echos []bool) Question {
	q := Question{Kind: AskInteractive, FromServer: true}
	a.takeWords(&q)
	words := append(lines(name), lines(instruction)...)
	for i, text := range prompts {
		// Duo and its like put a whole menu before the line to fill in.
		said := lines(text)
		if n := len(said); n > 0 {
			words, text = append(words, said[:n-1]...), said[n-1]
		}
		q.Prompts = append(q.Prompts, Prompt{Text: config.Printable(strings.TrimSpace(clipped(text, wordsMost))), Echo: echos[i]})
	}
	q.Instruction = strings.TrimPrefix(q.Instruction+"\n"+strings.Join(words, "\n"), "\n")
	q.Instruction = strings.TrimSuffix(q.Instruction, "\n")
	if q.Instruction == "" {
		q.Title = config.Printable(fmt.Sprintf("%s asks:", a.login()))
	}
	return q
}

// takeWords puts what the server said in rounds without a prompt before a
// question.
func (a *auth) takeWords(q *Question) {
	if len(a.unshown) > 0 {
		q.FromServer = true
		q.Instruction = strings.Join(a.unshown, "\n")
		a.unshown = nil
	}
}

// try counts the refused attempts of a method since the last partial success,
// without those that nobody was asked in.
func (a *auth) try(method string) int {
	try := 1
	for _, t := range a.tried {
		switch {
		case t.partial:
			try = 1
		case t.method == method && !t.kept:
			try++
		}
	}
	return try
}

// lines are the printable lines of a server's text, without empty ones at its
// ends, and without what nobody would read.
func lines(text string) []string {
	text = clipped(text, wordsMost)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\t", "    ")
	all := strings.Split(text, "\n")
	for i, line := range all {
		all[i] = config.Printable(strings.TrimRight(line, " "))
	}
	for len(all) > 0 && all[0] == "" {
		all = all[1:]
	}
	for len(all) > 0 && all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

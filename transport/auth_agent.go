package transport

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sallyport/config"
	"sallyport/keys"
)

// list asks the agent for its keys. That there is no agent is no error; that
// one is set up and does not answer is noted.
func (a *auth) list() []*keys.Key {
	socket := agentSocket(a.host, a.env)
	if socket == "" {
		return nil
	}
	agent, err := keys.DialAgent(a.ctx, socket)
	if err != nil {
		a.note("agent", err)
		return nil
	}
	a.mu.Lock()
	a.agent = agent
	a.mu.Unlock()
	held, err := agent.Keys()
	if err != nil {
		a.note("agent", err)
	}
	a.told.say(1, "get_agent_identities: agent returned %d keys", len(held))
	return held
}

// bind tells the agent which host this is, which then leaves out the keys that
// are kept to others: get_agent_identities (sshconnect2.c). The keys were read
// before the host was known; that is only done again where some are left out.
func (a *auth) bind() {
	if a.bound || a.agent == nil || a.proof == nil {
		return
	}
	a.bound = true
	binding := keys.Binding{Session: a.about.SessionID()}
	binding.HostKey, binding.Signature = a.proof()
	if err := a.agent.Bind(binding); err != nil {
		a.told.say(2, "ssh_agent_bind_hostkey: %v", err)
		return
	}
	a.told.say(1, "get_agent_identities: bound agent to hostkey")
	left, err := a.agent.Keys()
	if others := len(a.held) - len(left); err == nil && others > 0 {
		a.told.say(1, "get_agent_identities: agent returned %d keys", len(left))
		a.note("agent", keptError(others))
		a.identities = a.prepare(func() []*keys.Key { return left })
	}
}

// keptError is how many of the agent's keys are kept to other hosts (ssh-add
// -h).
type keptError int

func (e keptError) Error() string {
	if e == 1 {
		return "one of its keys is kept to other hosts"
	}
	return fmt.Sprintf("%d of its keys are kept to other hosts", int(e))
}

// passedError is how many keys of the agent are not offered, for IdentitiesOnly
// wants those of files alone.
type passedError int

func (e passedError) Error() string {
	return fmt.Sprintf("IdentitiesOnly passes over the keys that it holds: %d", int(e))
}

// errNoKeys is an agent that was started and never given a key, or has been
// locked.
var errNoKeys = errors.New("it holds no keys")

// agentSocket is where the agent listens: IdentityAgent, which may be none, a
// path, or a variable of the caller; else SSH_AUTH_SOCK (main in ssh.c). ""
// is no agent.
func agentSocket(h *config.Host, env Env) string {
	value := h.Get("IdentityAgent")
	switch {
	case value == "":
		return env.Get("SSH_AUTH_SOCK")
	case value == "none":
		return ""
	case value == "SSH_AUTH_SOCK":
		return env.Get("SSH_AUTH_SOCK")
	case strings.HasPrefix(value, "${") && strings.HasSuffix(value, "}"):
		return env.Get(value[2 : len(value)-1])
	case strings.HasPrefix(value, "$"):
		return env.Get(value[1:])
	}
	return value
}

// addToAgent hands a key that was read from its file to the agent, if
// AddKeysToAgent says so: maybe_add_key_to_agent (sshconnect.c). That it can't
// does not hinder the login.
func (a *auth) addToAgent(id *identity) {
	how, constraints := addKeys(a.host)
	if how == "no" || a.agent == nil || id.added {
		return
	}
	id.added = true
	if how == "ask" && !a.mayAdd(id) {
		a.told.say(3, "user denied adding this key")
		return
	}
	if err := a.agent.Add(id.key, constraints); err != nil {
		a.told.say(1, "could not add identity to agent: %s (%v)", id.key.Path, err)
		return
	}
	a.told.say(1, "identity added to agent: %s", id.key.Path)
}

// addKeys reads AddKeysToAgent, as ssh -G prints it: "true", "ask", "confirm",
// a number of seconds, or "confirm" and one.
func addKeys(h *config.Host) (how string, c keys.Constraints) {
	first, rest, _ := strings.Cut(strings.ToLower(h.Get("AddKeysToAgent")), " ")
	switch first {
	case "yes", "true":
		return "yes", c
	case "ask":
		return "ask", c
	case "confirm":
		c.Confirm = true
		first = rest
	}
	if seconds, err := strconv.Atoi(first); err == nil {
		c.Lifetime = time.Duration(seconds) * time.Second
	}
	if c.Lifetime == 0 && !c.Confirm {
		return "no", c
	}
	return "yes", c
}

// mayAdd asks whether a key may go to the agent. No answer is a no.
func (a *auth) mayAdd(id *identity) bool {
	if yes(a.host, "BatchMode") {
		return false
	}
	answer, err := a.ask(a.ctx, Question{
		Kind:    AskAddKey,
		Title:   config.Printable(fmt.Sprintf("Add key %s (%s) to agent?", a.env.tilde(id.key.Path), id.key.CommentInside())),
		Choices: []string{AddKey, Refuse},
		Try:     1,
		File:    config.Printable(id.key.Path),
	})
	return err == nil && answer.Choice == AddKey
}

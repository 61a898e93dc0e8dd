package mux

// Spec is what a session is to be.
type Spec struct {
	TTY       bool // stdin is a terminal; the far side shall have one too
	X11       bool
	Agent     bool
	Subsystem bool   // Command names a subsystem
	Escape    byte   // the escape character, 0 for none
	Term      string // $TERM
	Command   string // empty for a shell
	Env       []string
}

func (s Spec) message(request uint32) *newSessionMsg {
	m := &newSessionMsg{
		Request: request, TTY: s.TTY, X11: s.X11, Agent: s.Agent, Subsystem: s.Subsystem,
		Escape: noEscape, Term: s.Term, Command: s.Command, Env: s.Env,
	}
	if s.Escape != 0 {
		m.Escape = uint32(s.Escape)
	}
	return m
}

func (m *newSessionMsg) spec() Spec {
	s := Spec{TTY: m.TTY, X11: m.X11, Agent: m.Agent, Subsystem: m.Subsystem, Term: m.Term, Command: m.Command, Env: m.Env}
	if m.Escape <= 0xff {
		s.Escape = byte(m.Escape)
	}
	return s
}

// Before is the request for a session as a client writes it, without its
// length, up to its command. That and the environment follow, each as a string.
func (s Spec) Before() ([]byte, error) {
	s.Command, s.Env = "", nil
	text, err := encode(s.message(1))
	if err != nil {
		return nil, err
	}
	const none = 4 // the length of no command
	return text[:len(text)-none], nil
}

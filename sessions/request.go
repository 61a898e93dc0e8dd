package sessions

import (
	"maps"
	"slices"
	"strings"

	"sallyport/config"
	"sallyport/transport"
)

// The messages of RFC 4254 section 6, without the head that all requests
// have.
type (
	ptyMessage struct { // section 6.2
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	windowMessage struct { // section 6.7
		Cols, Rows, Width, Height uint32
	}
	envMessage struct { // section 6.4
		Name, Value string
	}
	signalMessage struct { // section 6.9
		Name string
	}
	nameMessage struct { // section 6.5: of exec the command, of subsystem its name
		Value string
	}
	x11Message struct { // section 6.3.1
		Single           bool
		Protocol, Cookie string
		Screen           uint32
	}
	breakMessage struct { // RFC 4335 section 3
		Milliseconds uint32
	}
)

// ptyRequest asks for a terminal of the size wished for last. A TERM that
// SetEnv names goes before the viewer's own (ssh.c).
func (s *Session) ptyRequest(setEnv []string) ptyMessage {
	s.mu.Lock()
	s.resized = false
	w := windowRequest(s.size)
	s.mu.Unlock()

	term := s.spec.Term
	if t := transport.Env(setEnv).Get("TERM"); t != "" {
		term = t
	}
	return ptyMessage{term, w.Cols, w.Rows, w.Width, w.Height, encodeModes(s.spec.Modes)}
}

func windowRequest(s Size) windowMessage {
	return windowMessage{cells(s.Cols), cells(s.Rows), cells(s.Width), cells(s.Height)}
}

// cells keeps a nonsensical size from becoming an enormous one.
func cells(n int) uint32 { return uint32(max(n, 0)) }

// encodeModes writes terminal modes as opcodes with their arguments, up to
// TTY_OP_END (RFC 4254 section 8).
func encodeModes(modes map[uint8]uint32) string {
	const end = 0
	var b strings.Builder
	for _, opcode := range slices.Sorted(maps.Keys(modes)) {
		if opcode != end {
			v := modes[opcode]
			b.Write([]byte{opcode, byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		}
	}
	b.WriteByte(end)
	return b.String()
}

// Environment are the variables that the sessions of a host get of a viewer's
// and by its configuration, NAME=value.
func Environment(host *config.Host, env transport.Env) []string {
	var all []string
	for _, v := range variables(env, host.All("SendEnv"), host.All("SetEnv")) {
		all = append(all, v.Name+"="+v.Value)
	}
	return all
}

// Sends tells whether SendEnv of a host names a variable.
func Sends(host *config.Host, name string) bool { return sends(host.All("SendEnv"), name) }

func sends(sendEnv []string, name string) bool {
	return slices.ContainsFunc(sendEnv, func(pattern string) bool { return matches(pattern, name) })
}

// variables are those of env that a SendEnv pattern names, then those of
// SetEnv, in the order of client_session2_setup in clientloop.c.
func variables(env transport.Env, sendEnv, setEnv []string) []envMessage {
	var vars []envMessage
	for _, v := range env {
		name, value, ok := strings.Cut(v, "=")
		if ok && sends(sendEnv, name) {
			vars = append(vars, envMessage{name, value})
		}
	}
	for _, v := range setEnv {
		if name, value, ok := strings.Cut(v, "="); ok {
			vars = append(vars, envMessage{name, value})
		}
	}
	return vars
}

// matches tells whether a name fits a pattern with * and ? (match_pattern in
// match.c). At a mismatch it goes back only to the latest star: what an
// earlier one could take, the latest can too.
func matches(pattern, name string) bool {
	star, taken := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, taken = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p, n = p+1, n+1
		case star >= 0:
			taken++
			p, n = star+1, taken
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

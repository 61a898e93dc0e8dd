package sessions

import (
	"slices"
	"strings"

	"sallyport/config"
	"sallyport/internal/rfc4254"
	"sallyport/transport"
)

// ptyRequest asks for a terminal of the size wished for last. A TERM that
// SetEnv names goes before the viewer's own (ssh.c).
func (s *Session) ptyRequest(setEnv []string) rfc4254.Pty {
	s.mu.Lock()
	s.resized = false
	w := windowRequest(s.size)
	s.mu.Unlock()

	term := s.spec.Term
	if t := transport.Env(setEnv).Get("TERM"); t != "" {
		term = t
	}
	return rfc4254.Pty{
		Term: term, Columns: w.Columns, Rows: w.Rows, Width: w.Width, Height: w.Height,
		Modes: rfc4254.EncodeModes(s.spec.Modes),
	}
}

func windowRequest(s Size) rfc4254.Window {
	return rfc4254.Window{Columns: cells(s.Cols), Rows: cells(s.Rows), Width: cells(s.Width), Height: cells(s.Height)}
}

// cells keeps a nonsensical size from becoming an enormous one.
func cells(n int) uint32 { return uint32(max(n, 0)) }

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
func variables(env transport.Env, sendEnv, setEnv []string) []rfc4254.Env {
	var vars []rfc4254.Env
	for _, v := range env {
		name, value, ok := strings.Cut(v, "=")
		if ok && sends(sendEnv, name) {
			vars = append(vars, rfc4254.Env{Name: name, Value: value})
		}
	}
	for _, v := range setEnv {
		if name, value, ok := strings.Cut(v, "="); ok {
			vars = append(vars, rfc4254.Env{Name: name, Value: value})
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

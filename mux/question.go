package mux

import "fmt"

// Question is what a master with ControlMaster ask or autoask asks its user
// before it does what a client wants (ask_permission in mux.c).
type Question struct {
	Kind    QuestionKind
	Forward Forward // of AskForward
	To      Address // of AskStdioForward
}

// QuestionKind says what a Question is about.
type QuestionKind string

const (
	AskSession      QuestionKind = "session" // proxy mode too, where mux.c does not ask
	AskStdioForward QuestionKind = "stdio-forward"
	AskForward      QuestionKind = "forward"
	AskStop         QuestionKind = "stop"
	AskExit         QuestionKind = "exit"
)

// For is the question in ssh's words.
func (q Question) For(host string) string {
	host = printable(host)
	switch q.Kind {
	case AskStdioForward:
		if q.To.Path != "" {
			return fmt.Sprintf("Allow forward to path %s?", printable(q.To.Path))
		}
		return fmt.Sprintf("Allow forward to [%s]:%d?", printable(q.To.Host), q.To.Port)
	case AskForward:
		return fmt.Sprintf("Open %s on %s?", printable(q.Forward.String()), host)
	case AskStop:
		return fmt.Sprintf("Disable further multiplexing on shared connection to %s?", host)
	case AskExit:
		return fmt.Sprintf("Terminate shared connection to %s?", host)
	}
	return fmt.Sprintf("Allow shared connection to %s?", host)
}

package api

import (
	"errors"

	"sallyport/config"
	"sallyport/transport"
)

// Error is a failure as it crosses the wire: a code for programs, a sentence
// for people, and the next thing to do.
type Error struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// The codes of our own making; those of a transport.Failure pass through.
const (
	CodeInternal   = "internal"
	CodeBadRequest = "bad-request"
	CodeNotFound   = "not-found"
	CodeNoDaemon   = "no-daemon"
	CodeEnded      = "ended" // the background process ended under a request, of which nobody knows what it did
	CodeBusy       = "busy"
	CodeConfig     = "config"
)

// AsError makes an Error of any error, its text printable.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if f, ok := errors.AsType[*transport.Failure](err); ok {
		e := &Error{Code: f.Code, Message: f.Message}
		if f.Hint != "" {
			e.Hints = []string{f.Hint}
		}
		return e
	}
	if r, ok := errors.AsType[*config.Refusal](err); ok {
		e := &Error{Code: CodeConfig, Message: r.Message}
		if r.Hint != "" {
			e.Hints = []string{r.Hint}
		}
		return e
	}
	return &Error{Code: CodeInternal, Message: Printable(err.Error())}
}

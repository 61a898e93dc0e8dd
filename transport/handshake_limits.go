package transport

import (
	"context"
	"sync"
	"time"
)

// firstAnswerLimit is for the answer to the request for the login service and to
// the method none, which no person has a part in: LoginGraceTime of
// sshd_config(5), after which a server that is well hangs up. Later answers
// have no limit, as in ssh: a server may wait for somebody's telephone.
const firstAnswerLimit = 2 * time.Minute

// phaseLimits end a handshake in whose phase nothing comes. While a person is
// asked about the host key, or logs in, none runs.
type phaseLimits struct {
	exchange, answer *time.Timer
	begin            func() // of answer, once
}

func newPhaseLimits(exchange time.Duration, cancel context.CancelCauseFunc) *phaseLimits {
	l := &phaseLimits{
		exchange: time.AfterFunc(exchange, func() { cancel(silence{"to the key exchange", exchange}) }),
		answer:   time.AfterFunc(firstAnswerLimit, func() { cancel(silence{"to the request to log in", firstAnswerLimit}) }),
	}
	l.answer.Stop()
	l.begin = sync.OnceFunc(func() { l.answer.Reset(firstAnswerLimit) })
	return l
}

// exchanged tells that the host key has come.
func (l *phaseLimits) exchanged() { l.exchange.Stop() }

// trusted tells that it was accepted. Later key exchanges have no limit.
func (l *phaseLimits) trusted() { l.begin() }

// answered tells that the login goes on.
func (l *phaseLimits) answered() { l.answer.Stop() }

func (l *phaseLimits) stop() {
	l.exchanged()
	l.answered()
}

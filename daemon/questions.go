package daemon

import (
	"context"
	"crypto/rand"
	"sync"

	"sallyport/api"
	"sallyport/transport"
)

// questions passes what a link asks to whoever watches, and the first answer
// back. A question waits without a limit of time: with nobody attached the
// link rests.
type questions struct {
	hub *hub

	mu   sync.Mutex
	open map[string]openQuestion // by Question.ID; guarded by mu
}

// openQuestion waits for its reply.
type openQuestion struct {
	transport.Question
	reply chan<- reply // of size 1
}

// reply is an answer or a refusal to answer.
type reply struct {
	answer    transport.Answer
	cancelled bool
	nobody    bool // cancelled, for there is nobody to ask
}

func newQuestions(h *hub) *questions {
	return &questions{hub: h, open: make(map[string]openQuestion)}
}

// Ask implements transport.Asker.
func (q *questions) Ask(ctx context.Context, question transport.Question) (transport.Answer, error) {
	question.ID = rand.Text()
	answered := make(chan reply, 1)
	q.mu.Lock()
	q.open[question.ID] = openQuestion{question, answered}
	q.mu.Unlock()
	q.hub.post(api.Event{Question: &question})
	defer q.forget(question.ID)

	select {
	case r := <-answered:
		switch {
		case r.nobody:
			return transport.Answer{}, transport.ErrNobody
		case r.cancelled:
			return transport.Answer{}, transport.ErrCancelled
		}
		return r.answer, nil
	case <-ctx.Done():
		return transport.Answer{}, context.Cause(ctx)
	}
}

func (q *questions) forget(id string) {
	q.mu.Lock()
	delete(q.open, id)
	q.mu.Unlock()
	q.hub.post(api.Event{QuestionGone: id})
}

// answer gives the reply to an open question; false when there is none with
// that ID (any more). The passphrase of a key is the answer to all who want to
// open that one.
func (q *questions) answer(id string, r reply) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	answered, ok := q.open[id]
	if !ok {
		return false
	}
	delete(q.open, id)
	for other, a := range q.open {
		if !r.cancelled && a.Alike(answered.Question) {
			delete(q.open, other)
			a.reply <- reply{answer: r.answer.Clone()}
		}
	}
	answered.reply <- r
	return true
}

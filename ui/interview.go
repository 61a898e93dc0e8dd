package ui

import (
	"context"
	"slices"
	"strconv"

	"sallyport/api"
)

// ownQuestion is one that no background process asks: the doctor dials in this
// one.
type ownQuestion struct {
	api.Question
	answer chan *api.Answer // of size 1; nil declines
}

// interview asks the person, who may be busy with another question, and waits.
// It is called outside the loop.
func (s *screen) interview(ctx context.Context, q api.Question) (api.Answer, bool) {
	o := &ownQuestion{Question: q, answer: make(chan *api.Answer, 1)}
	o.MayKeep = false // nothing outlives the visit
	s.in.do(func() {
		s.asked++
		o.ID = "own " + strconv.Itoa(s.asked)
		s.own = append(s.own, o)
	})
	defer s.in.do(func() { s.withdraw(o) })
	select {
	case a := <-o.answer:
		if a == nil {
			return api.Answer{}, false
		}
		return *a, true
	case <-ctx.Done():
		return api.Answer{}, false
	}
}

// withdraw takes a question away that is answered, or that nobody waits for any
// more.
func (s *screen) withdraw(o *ownQuestion) {
	s.own = slices.DeleteFunc(s.own, func(other *ownQuestion) bool { return other == o })
}

// reply answers a question of our own, nil declines it, and tells whether it was
// one.
func (s *screen) reply(q api.Question, a *api.Answer) bool {
	i := slices.IndexFunc(s.own, func(o *ownQuestion) bool { return o.ID == q.ID })
	if i < 0 {
		return false
	}
	o := s.own[i]
	s.withdraw(o)
	s.dialog = nil
	o.answer <- a
	s.askNext()
	return true
}

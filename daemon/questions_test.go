package daemon

import (
	"context"
	"errors"
	"testing"

	"sallyport/transport"
)

func TestAQuestionIsShownUntilItIsAnswered(t *testing.T) {
	for name, row := range map[string]struct {
		reply reply
		want  error
	}{
		"an answer reaches who asked": {reply{answer: transport.Answer{Choice: "accept"}}, nil},
		"a refusal is ErrCancelled":   {reply{cancelled: true}, transport.ErrCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			h := runningHub(t)
			q := newQuestions(h)
			w, _ := h.watch()
			<-w.events
			type outcome struct {
				answer transport.Answer
				err    error
			}
			done := make(chan outcome, 1)
			go func() {
				a, err := q.Ask(t.Context(), transport.Question{Title: "?"})
				done <- outcome{a, err}
			}()
			asked := (<-w.events).Question
			if asked == nil || asked.ID == "" || asked.Title != "?" {
				t.Fatalf("shown was %+v", asked)
			}
			if !q.answer(asked.ID, row.reply) {
				t.Fatal("the question is not open")
			}
			if q.answer(asked.ID, row.reply) {
				t.Error("it could be answered twice")
			}
			got := <-done
			if !errors.Is(got.err, row.want) || got.answer.Choice != row.reply.answer.Choice {
				t.Errorf("Ask = %+v, %v, want %+v, %v", got.answer, got.err, row.reply.answer, row.want)
			}
			if e := <-w.events; e.QuestionGone != asked.ID {
				t.Errorf("after the answer came %+v", e)
			}
		})
	}
}

func TestAQuestionThatIsGivenUpDisappears(t *testing.T) {
	h := runningHub(t)
	q := newQuestions(h)
	w, _ := h.watch()
	<-w.events
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the link was closed")
	done := make(chan error, 1)
	go func() {
		_, err := q.Ask(ctx, transport.Question{})
		done <- err
	}()
	asked := (<-w.events).Question
	cancel(cause)
	if err := <-done; err != cause {
		t.Errorf("Ask fails with %v, want the cause", err)
	}
	if e := <-w.events; e.QuestionGone != asked.ID {
		t.Errorf("after it came %+v", e)
	}
	if q.answer(asked.ID, reply{}) {
		t.Error("it can still be answered")
	}
}

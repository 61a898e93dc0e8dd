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
		"nobody is ErrNobody":         {reply{cancelled: true, nobody: true}, transport.ErrNobody},
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

// TestAPassphraseIsTheAnswerToAllWhoOpenThatKey has two others ask beside the one
// that is answered.
func TestAPassphraseIsTheAnswerToAllWhoOpenThatKey(t *testing.T) {
	locked := transport.Question{Kind: transport.AskPassphrase, File: "/keys/a"}
	for _, row := range []struct {
		name           string
		first, second  transport.Question
		reply          reply
		answeredSecond bool
	}{
		{"the same key", locked, locked, reply{answer: transport.Answer{Texts: [][]byte{[]byte("winter")}}}, true},
		{"another key", locked, transport.Question{Kind: transport.AskPassphrase, File: "/keys/b"}, reply{}, false},
		{"a password", transport.Question{Kind: transport.AskPassword}, transport.Question{Kind: transport.AskPassword}, reply{}, false},
		{"the PIN of a token, which counts wrong ones", transport.Question{Kind: transport.AskPIN, File: "/keys/a"}, transport.Question{Kind: transport.AskPIN, File: "/keys/a"}, reply{}, false},
		{"a refusal", locked, locked, reply{cancelled: true}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := runningHub(t)
			q := newQuestions(h)
			w, _ := h.watch()
			<-w.events
			answers := make([]chan transport.Answer, 2)
			var ids []string
			for i, question := range []transport.Question{row.first, row.second} {
				answers[i] = make(chan transport.Answer, 1)
				go func() { // ends with the test
					a, _ := q.Ask(t.Context(), question)
					answers[i] <- a
				}()
				ids = append(ids, (<-w.events).Question.ID)
			}
			if !q.answer(ids[0], row.reply) {
				t.Fatal("the question is not open")
			}
			first := <-answers[0]
			first.Wipe()
			if open := q.answer(ids[1], reply{cancelled: true}); open == row.answeredSecond {
				t.Errorf("the other question is open: %v", open)
			}
			if second := <-answers[1]; row.answeredSecond && string(second.Texts[0]) != "winter" {
				t.Errorf("the answer to the other is %q", second.Texts)
			}
		})
	}
}

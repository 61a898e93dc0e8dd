package ui

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/api"
)

// A server may ask for more than the screen has rows.
func TestTheFieldThatIsTypedIntoIsSeen(t *testing.T) {
	st := perform(t, newFake(), 80, 24, Options{})
	q := codeQuestion()
	q.Prompts = nil
	for i := range 40 {
		q.Prompts = append(q.Prompts, api.Prompt{Text: fmt.Sprintf("Question %d: ", i), Echo: true})
	}
	st.event(api.Event{Question: &q})
	st.sees("The server "+q.Address, "Question 0:", "more ↓")
	for i := range 40 {
		st.keys(fmt.Sprintf("answer%d", i))
		st.sees(fmt.Sprintf("Question %d: answer%d", i, i))
		st.keys("Tab")
	}
	st.sees("[ Answer ]", "more ↑")
}

func TestWhatADialogSaysIsReadInPages(t *testing.T) {
	st := perform(t, newFake(), 80, 24, Options{})
	q := codeQuestion()
	q.Instruction = "First line.\n" + strings.Repeat("A line.\n", 50) + "Last line."
	st.event(api.Event{Question: &q})
	st.sees("Last line.", "Verification code:", "[ Answer ]", "more ↑")
	st.keys("PgUp", "PgUp", "PgUp", "PgUp", "PgUp", "PgUp", "PgUp")
	st.sees("The server "+q.Address, "First line.", "more ↓")
	st.loses("more ↑")
	st.keys("PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "PgDn", "PgDn")
	st.sees("[ Answer ]")
	st.keys("PgUp")
	st.loses("[ Answer ]")
	st.keys("x") // is seen where it goes
	st.sees("Password: •", "[ Answer ]")
}

package ui

import "testing"

func TestMarkedHostsAreThoseOfOneCommand(t *testing.T) {
	f := newFake()
	st := perform(t, f, 100, 30, Options{})
	st.sees("Hosts ─ 11", "crab")
	st.keys("m", "m", "↑", "↑", "↓", "m", "↓", "m") // the second mark is taken away again
	st.sees("Hosts ─ 11 ─ 2 marked", "○+got-bastion", "○ targaryen", "○ tyrell", "○+martell")
	st.keys("y")
	st.sees("Copied: sallyport run -H got-bastion -H martell -- COMMAND")
	if got, want := string(st.term.GetClipboardData()), "sallyport run -H got-bastion -H martell -- "; got != want {
		t.Errorf("the clipboard has %q, want %q", got, want)
	}
	st.keys("Esc")
	st.loses("marked")
	st.keys("y")
	st.sees("Copied: ssh ")
}

func TestTheMarkOfAHostGoesWithIt(t *testing.T) {
	l := list{query: newField(false)}
	l.setNames([]string{"a", "b", "c"})
	l.mark("c")
	l.mark("a")
	l.setNames([]string{"b", "c"})
	if got := runCommand("", l.marks()); got != "sallyport run -H c -- " || len(l.isMarked) != 1 {
		t.Errorf("it is %q, with %v", got, l.isMarked)
	}
}

package api

import "testing"

func TestAWindowGivesWhatThereIs(t *testing.T) {
	w := newWindow()
	w.open(10)
	w.open(-5)
	if got := w.take(4); got != 4 {
		t.Errorf("of 10 it gave %d, want 4", got)
	}
	if got := w.take(20); got != 6 {
		t.Errorf("of 6 it gave %d, want 6", got)
	}
	waited := make(chan int)
	for range 2 {
		go func() { waited <- w.take(20) }()
	}
	w.open(3)
	if got := <-waited; got != 3 {
		t.Errorf("who has waited got %d, want 3", got)
	}
	w.close()
	if got := <-waited; got != 0 {
		t.Errorf("a closed one gave %d", got)
	}
}

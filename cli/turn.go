package cli

import (
	"io"
	"sync"
)

// turn is held by whoever may write to the terminal for longer than a write:
// the output of a session waits meanwhile, as ssh stands still.
type turn struct{ sync.Mutex }

// settle waits until nobody has it.
func (t *turn) settle() {
	t.Lock()
	defer t.Unlock()
}

// writer writes to w in turn.
func (t *turn) writer(w io.Writer) io.Writer { return turnWriter{t, w} }

type turnWriter struct {
	turn *turn
	w    io.Writer
}

func (t turnWriter) Write(p []byte) (int, error) {
	t.turn.Lock()
	defer t.turn.Unlock()
	return t.w.Write(p)
}

//go:build linux

package cli

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/creack/pty"
)

// TestWhatWasTypedOfAnAnswerBeginsNoOther has a question answered elsewhere while
// somebody types, and the next one asked.
func TestWhatWasTypedOfAnAnswerBeginsNoOther(t *testing.T) {
	keys, file, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer file.Close()
	fd := int(file.Fd())
	type result struct {
		line []byte
		err  error
	}
	ask := func(ctx context.Context) <-chan result {
		done := make(chan result, 1)
		go func() { // ends with the line, or with ctx
			term := &terminal{file: file, fd: fd} // each question has its own
			line, err := term.line(ctx, "? ", true)
			done <- result{line, err}
		}()
		return done
	}
	ctx, answered := context.WithCancel(t.Context())
	first := ask(ctx)
	shows(t, keys, "? ")
	keys.WriteString("sec")
	shows(t, keys, "sec")
	answered()
	if r := <-first; r.err != context.Canceled {
		t.Fatalf("the first is %q, %v", r.line, r.err)
	}
	second := ask(t.Context())
	shows(t, keys, "? ")
	keys.WriteString("winter\n")
	if r := <-second; string(r.line) != "winter" || r.err != nil {
		t.Errorf("the second is %q, %v, want winter", r.line, r.err)
	}
}

// shows reads what a terminal shows up to a text.
func shows(t *testing.T, from *os.File, text string) {
	t.Helper()
	var seen []byte
	for one := make([]byte, 1); !bytes.HasSuffix(seen, []byte(text)); {
		if _, err := from.Read(one); err != nil {
			t.Fatalf("after %q: %v", seen, err)
		}
		seen = append(seen, one[0])
	}
}

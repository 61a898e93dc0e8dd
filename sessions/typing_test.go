package sessions

import (
	"errors"
	"io"
	"slices"
	"testing"
)

func TestWhatIsTypedWaits(t *testing.T) {
	var first, second []int
	typing := NewTyping()
	typing.Type([]byte("one"), func(n int) { first = append(first, n) })
	typing.Type([]byte("two"), func(n int) { second = append(second, n) })
	typing.Type([]byte("answer"), nil)
	typing.End()
	typing.Type([]byte("late"), nil)
	if got := typing.Waiting(); got != 12 {
		t.Errorf("%d bytes wait", got)
	}
	var got []string
	for buf := make([]byte, 4); ; {
		n, err := typing.Read(buf)
		if err != nil {
			if err != io.EOF {
				t.Errorf("Read: %v", err)
			}
			break
		}
		got = append(got, string(buf[:n]))
	}
	if want := []string{"onet", "woan", "swer"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	if !slices.Equal(first, []int{3}) || !slices.Equal(second, []int{1, 2}) {
		t.Errorf("of what was taken the first was told %d and the second %d", first, second)
	}
}

func TestNobodyReadsWhatIsTypedAnyMore(t *testing.T) {
	typing := NewTyping()
	failed := make(chan error)
	go func() {
		_, err := typing.Read(make([]byte, 1))
		failed <- err
	}()
	typing.Close()
	if err := <-failed; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Read: %v", err)
	}
	typing.Type([]byte("late"), nil)
	if typing.Waiting() != 0 {
		t.Error("it is kept for nobody")
	}
}

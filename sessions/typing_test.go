package sessions

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
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

// TestWhatWasTypedArrives after who typed it has left: more than the window of
// a channel of SSH, which nobody reads until then. Without a terminal there,
// whose reads are small, it costs little.
func TestWhatWasTypedArrives(t *testing.T) {
	t.Parallel()
	now := filepath.Join(t.TempDir(), "now")
	typed := []byte(strings.Repeat("a line of what is typed\n", 5<<20/24))
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Size: usualSize, Command: fmt.Sprintf(
		"echo up; until test -e %s; do sleep 0.1; done; head -c %d | gzip -1 | tail -c 8 | od -An -tu4; cat", now, len(typed))})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	sh := Keep(t.Context(), s.Session)
	sh.Begin()
	t.Cleanup(sh.Close)
	var first, second output
	v := sh.Join(View{Size: usualSize})
	end := watch(t, v, &first)
	sshtest.Eventually(t, "it runs", first.has("up"))
	v.Type(typed, nil)
	v.Leave()
	<-end
	if sh.typing.Waiting() == 0 {
		t.Error("nothing waits: the far side has taken all")
	}
	if err := os.WriteFile(now, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	watch(t, sh.Join(View{Size: usualSize}), &second)
	sshtest.Eventually(t, "all of it has arrived", second.has(fmt.Sprint(crc32.ChecksumIEEE(typed))))
}

package daemon

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

func TestStandingOfAProcess(t *testing.T) {
	for _, row := range []struct {
		name, line string
		want       standing
		known      bool
	}{
		{"in front", "11329 (sallyport) S 11249 11329 11249 34817 11329 4194560 1 2 3\n", standing{'S', 11329, 34817, 11329}, true},
		{"stopped behind a shell", "7 (sallyport) T 5 7 5 34817 5 0 0\n", standing{'T', 7, 34817, 5}, true},
		{"a name that looks like more", "7 (a) R 1 2 3 4 5 (b) ) S 5 7 5 34817 7 0\n", standing{'S', 7, 34817, 7}, true},
		{"no terminal", "7 (sallyport) S 1 7 7 0 -1 0\n", standing{'S', 7, 0, -1}, true},
		{"cut off", "7 (sallyport) S 1 7", standing{state: 'S'}, false},
		{"nothing", "", standing{}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, known := standingOf([]byte(row.line)); got != row.want || known != row.known {
				t.Errorf("%+v, known %v; want %+v, %v", got, known, row.want, row.known)
			}
		})
	}
}

// lentBy is a loan of the terminal of a process that rests on it, and what the
// viewer sees of it.
func lentBy(t *testing.T) (l *loan, keys *os.File, process *os.Process, typed chan string, frames chan api.FrameKind) {
	t.Helper()
	sleep := exec.Command("sleep", "1000")
	keys, err := pty.Start(sleep)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := unix.IoctlGetTermios(int(keys.Fd()), unix.TCGETS)
	if err == nil {
		raw.Iflag, raw.Lflag, raw.Oflag = 0, 0, 0
		err = unix.IoctlSetTermios(int(keys.Fd()), unix.TCSETS, raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	l = newLoan(api.NewFrameWriter(near), sleep.Process.Pid)
	typed, frames = make(chan string, 16), make(chan api.FrameKind, 16) // room for all of a test
	l.types = func(p []byte, taken func(int)) { typed <- string(p); taken(len(p)) }
	go func() { // ends with the pipe
		for {
			kind, _, err := api.ReadFrame(far, nil)
			if err != nil {
				close(frames)
				return
			}
			frames <- kind
		}
	}()
	t.Cleanup(func() {
		l.release()
		near.Close()
		sleep.Process.Kill()
		sleep.Wait()
		keys.Close()
	})
	return l, keys, sleep.Process, typed, frames
}

// TestATerminalIsBorrowedBehindTheFrames has an offer come while some are
// written.
func TestATerminalIsBorrowedBehindTheFrames(t *testing.T) {
	l, keys, _, typed, frames := lentBy(t)
	for _, n := range []int{calm + 1, calm} {
		if rest, err := l.put(make([]byte, n), true); len(rest) != n || err != nil {
			t.Fatalf("of %d bytes %d are to be frames, %v", n, len(rest), err)
		}
		l.offer(api.Offer{Escape: '~'})
		if l.state != theirs {
			t.Fatal("it is asked for while frames are written")
		}
		l.framed(n)
		if wanted := n <= calm; (l.state == asked) != wanted {
			t.Fatalf("after %d bytes it is asked for: %v, want %v", n, l.state == asked, wanted)
		}
	}
	if kind := <-frames; kind != api.FrameBorrow {
		t.Fatalf("a frame %q came", kind)
	}
	var running sync.WaitGroup
	l.lent(api.Lent{Lent: true, LineStart: true}, &running)
	if rest, err := l.put([]byte("shown"), true); len(rest) > 0 || err != nil {
		t.Errorf("%q was not written to the terminal, %v", rest, err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(keys, got); err != nil || string(got) != "shown" {
		t.Errorf("the terminal shows %q, %v", got, err)
	}
	if _, err := keys.WriteString("ab\r~c"); err != nil {
		t.Fatal(err)
	}
	if got := <-typed; got != "ab\r" {
		t.Errorf("%q was typed", got)
	}
	if kind := <-frames; kind != api.FrameReturn {
		t.Errorf("at an escape a frame %q came", kind)
	}
	running.Wait()
}

// TestWhatATerminalDoesNotTakeIsTheViewers fills one that nobody reads.
func TestWhatATerminalDoesNotTakeIsTheViewers(t *testing.T) {
	l, _, _, _, frames := lentBy(t)
	l.offer(api.Offer{})
	<-frames
	var running sync.WaitGroup
	l.lent(api.Lent{Lent: true}, &running)
	const size = 8 << 20
	rest, err := l.put(make([]byte, size), true)
	if err != nil || len(rest) == 0 || len(rest) == size {
		t.Errorf("of %d bytes %d are to be frames, %v; want some", size, len(rest), err)
	}
	if kind := <-frames; kind != api.FrameReturn {
		t.Errorf("a frame %q came", kind)
	}
	running.Wait()
}

// TestNothingIsReadOfWhoIsStopped, nor written.
func TestNothingIsReadOfWhoIsStopped(t *testing.T) {
	l, keys, process, typed, frames := lentBy(t)
	l.offer(api.Offer{})
	<-frames
	var running sync.WaitGroup
	l.lent(api.Lent{Lent: true}, &running)
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "it is stopped", func() bool {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.Pid))
		now, known := standingOf(line)
		return err == nil && known && now.state == 'T'
	})
	if _, err := keys.WriteString("key"); err != nil {
		t.Fatal(err)
	}
	if kind := <-frames; kind != api.FrameReturn {
		t.Errorf("a frame %q came", kind)
	}
	running.Wait()
	if len(typed) > 0 {
		t.Errorf("%q was typed", <-typed)
	}

	l.offer(api.Offer{}) // by a viewer that goes on, and is stopped again
	<-frames
	l.lent(api.Lent{Lent: true}, &running)
	if rest, _ := l.put([]byte("shown"), true); string(rest) != "shown" {
		t.Errorf("%q is left to be shown", rest)
	}
	running.Wait()
}

// TestAnOfferWhileItIsAskedIsTakenUp when the terminal was refused for a key
// that came first: a viewer does not offer again before the next.
func TestAnOfferWhileItIsAskedIsTakenUp(t *testing.T) {
	l, _, _, _, frames := lentBy(t)
	l.offer(api.Offer{Escape: '~'})
	l.offer(api.Offer{Escape: '~'}) // it overtakes the answer to what the first has had asked
	var running sync.WaitGroup
	for answers := range 2 {
		if kind := <-frames; kind != api.FrameBorrow {
			t.Fatalf("after %d answers a frame %q came", answers, kind)
		}
		l.lent(api.Lent{}, &running)
	}
}

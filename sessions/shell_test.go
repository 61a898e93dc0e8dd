package sessions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
	"sallyport/sessions/vt"
)

var usualSize = Size{Cols: 80, Rows: 24}

// keep starts a command in a terminal as a shell.
func keep(t *testing.T, l Link, command string) *Shell {
	t.Helper()
	s := start(t, l, Spec{Command: command, PTY: true, Term: "xterm", Size: usualSize})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	sh := Keep(t.Context(), s.Session)
	sh.Begin()
	t.Cleanup(sh.Close)
	return sh
}

// watch runs a viewer in the background.
func watch(t *testing.T, v *Viewer, out io.Writer) (end <-chan error) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := v.Run(t.Context(), out, io.Discard)
		ended <- err
	}()
	return ended
}

// shown is a terminal that got what a viewer did.
func shown(o *output, size Size) *vt.Screen {
	s := vt.New(size.Cols, size.Rows)
	io.WriteString(s, o.String())
	return s
}

// gate is a terminal that takes nothing until it is opened.
type gate struct {
	output
	open chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.output.Write(p)
}

func TestAViewerThatIsStuckHoldsNoOtherBack(t *testing.T) {
	t.Parallel()
	sh := keep(t, link(t, sshtest.StartServer(t)), "seq 250000; printf 'the end'; cat")
	stuck := &gate{open: make(chan struct{})}
	first := sh.Join(View{Size: usualSize})
	watch(t, first, stuck)
	sshtest.Eventually(t, "its queue is full", func() bool { return !first.hasRoom() })

	var out output
	watch(t, sh.Join(View{Size: usualSize}), &out)
	sshtest.Eventually(t, "the other sees the end", out.has("the end"))
	close(stuck.open)
	sshtest.Eventually(t, "the first sees the same at last", func() bool {
		return cmp.Equal(shown(&stuck.output, usualSize).Repaint(), shown(&out, usualSize).Repaint())
	})
}

func TestAViewerOfAnotherSizeGetsPictures(t *testing.T) {
	t.Parallel()
	sh := keep(t, link(t, sshtest.StartServer(t)), "stty -echo; seq 30; cat")
	var out output
	watch(t, sh.Join(View{Size: usualSize}), &out)
	sshtest.Eventually(t, "it runs", out.has("30\r\n"))
	var small output
	size := Size{Cols: 10, Rows: 5}
	watch(t, sh.Join(View{Size: size, ReadOnly: true}), &small)
	sh.viewers[0].Type([]byte("a line too long for it\n"), nil)
	sshtest.Eventually(t, "it sees the last rows", func() bool {
		return string(shown(&small, size).Transcript()) == "28\r\n29\r\n30\r\na line too\r\n"
	})
	if got := sh.Status().Size; got != usualSize {
		t.Errorf("who only looks has made the size %+v", got)
	}
}

func TestTheEndOfAShell(t *testing.T) {
	t.Parallel()
	l := link(t, sshtest.StartServer(t))
	t.Run("its viewers see it", func(t *testing.T) {
		sh := keep(t, l, "read x; exit 4")
		v := sh.Join(View{Size: usualSize})
		v.Type([]byte("\n"), nil)
		if exit, err := v.Run(t.Context(), io.Discard, io.Discard); err != nil || exit.Status != 4 || !sh.Watched() {
			t.Errorf("Run: %+v, %v; watched %v", exit, err, sh.Watched())
		}
	})
	t.Run("a viewer that leaves is no end", func(t *testing.T) {
		sh := keep(t, l, "printf '\\033[?1000hdone'; cat")
		var out output
		v := sh.Join(View{Size: usualSize})
		end := watch(t, v, &out)
		sshtest.Eventually(t, "it runs", out.has("done"))
		v.Leave()
		if err := <-end; !errors.Is(err, ErrDetached) || sh.Session.Status().State != Running {
			t.Errorf("Run: %v; the session is %s", err, sh.Session.Status().State)
		}
		if !strings.Contains(out.String(), "\x1b[?1000l") {
			t.Errorf("the mouse is still reported: %q", out.String())
		}
	})
	t.Run("who comes later is shown the lines", func(t *testing.T) {
		sh := keep(t, l, "printf 'main\\033[?1049h\\033[Halt'")
		<-sh.Over()
		var out output
		if exit, err := sh.Join(View{Size: usualSize}).Run(t.Context(), &out, io.Discard); err != nil || exit.Status != 0 || sh.Watched() {
			t.Errorf("Run: %+v, %v; watched %v", exit, err, sh.Watched())
		}
		if got := out.String(); got != "main\r\nalt\r\n" {
			t.Errorf("it was shown %q", got)
		}
	})
	t.Run("a viewer ends with its context", func(t *testing.T) {
		sh := keep(t, l, "cat")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errViewer)
		if _, err := sh.Join(View{Size: usualSize}).Run(ctx, io.Discard, io.Discard); !errors.Is(err, errViewer) {
			t.Errorf("Run: %v", err)
		}
		if n := len(sh.Session.Status().Viewers); n != 0 {
			t.Errorf("%d viewers are left", n)
		}
	})
}

func TestOneTerminalAnswers(t *testing.T) {
	for _, row := range []struct{ name, typed, first, last, only string }{
		{"what is typed passes", "ls\r\x1b[A\x1b[15~é", "ls\r\x1b[A\x1b[15~é", "ls\r\x1b[A\x1b[15~é", ""},
		{"a place of the cursor", "a\x1b[3;4Rb", "ab", "a\x1b[3;4Rb", ""},
		{"a type of terminal", "\x1b[?62;1c\x1b[>1;2;3c", "", "\x1b[?62;1c\x1b[>1;2;3c", ""},
		{"a name of a terminal", "\x1bP>|xterm(1)\x1b\\x", "x", "\x1bP>|xterm(1)\x1b\\x", ""},
		{"a colour", "\x1b]11;rgb:0/0/0\x1b\\\x1b]10;rgb:f/f/f\a", "", "\x1b]11;rgb:0/0/0\x1b\\\x1b]10;rgb:f/f/f\a", ""},
		{"a mode", "\x1b[?2026;2$yq", "q", "\x1b[?2026;2$yq", ""},
		{"a mouse", "\x1b[<0;3;4M", "\x1b[<0;3;4M", "\x1b[<0;3;4M", ""},
	} {
		sh := &Shell{}
		first, last, only := &Viewer{shell: sh}, &Viewer{shell: sh}, &Viewer{shell: sh, view: View{ReadOnly: true}}
		sh.viewers = []*Viewer{first, last, only}
		got := []string{string(sh.typed(first, []byte(row.typed))), string(sh.typed(last, []byte(row.typed))), string(sh.typed(only, []byte(row.typed)))}
		if diff := cmp.Diff([]string{row.first, row.last, row.only}, got); diff != "" {
			t.Errorf("%s: of the first, the last and one that only looks passes (-want +got): %s", row.name, diff)
		}
	}
}

func TestOutputMeanwhileCostsNoHistory(t *testing.T) {
	t.Parallel()
	sh := keep(t, link(t, sshtest.StartServer(t)), "stty -echo; read x; seq -f %0150g 12000; printf up; cat")
	wide := View{Size: Size{Cols: 160, Rows: 24}} // its history is longer than what may be pending
	var out, late output
	first := sh.Join(wide)
	watch(t, first, &out)
	first.Type([]byte("\n"), nil)
	sshtest.Eventually(t, "it runs", out.has("up"))
	second := sh.Join(wide)
	first.Type([]byte("more\n"), nil)
	sshtest.Eventually(t, "there is more", out.has("more"))
	watch(t, second, &late)
	sshtest.Eventually(t, "who came later sees it, too", late.has("more"))
	if !late.has(fmt.Sprintf("%0150d\r\n", 2500))() {
		t.Errorf("the history was lost")
	}
}

func TestWhatAShellThatWasLeftCallsItselfIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Command: "read go; printf '\\033]2;compiling\\007'; read on; printf '\\033]2;done\\007'; cat", PTY: true, Term: "xterm", Size: usualSize})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	sh := Keep(t.Context(), s.Session)
	sh.Begin()
	t.Cleanup(sh.Close)
	told := func() Status {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.told[len(s.told)-1]
	}
	for _, title := range []string{"compiling", "done"} {
		before := told().Output
		sh.typing.Type([]byte("\n"), nil)
		sshtest.Eventually(t, "the title "+title+" and when it was written are told", func() bool {
			now := told()
			return now.Title == title && now.Output.After(before)
		})
	}
}

//go:build unix

package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// interruptible is an sshd whose process for a connection is killed while it
// looks at a signature, as often as times says.
func interruptible(t *testing.T, n *network, times int) *sshtest.Server {
	t.Helper()
	dir := t.TempDir()
	// It is asked for the keys twice: whether one is known, and for the signature.
	script := write(t, filepath.Join(dir, "keys"), fmt.Sprintf(
		"echo >>%[1]s/asked\ncat %[2]s/authorized\nasked=$(wc -l <%[1]s/asked)\n[ $((asked %% 2)) = 1 ] || [ $asked -gt %[3]d ] || kill -9 $PPID\n",
		dir, n.dir, 2*times))
	return n.sshdWith(t, "h", "AuthorizedKeysCommand /bin/sh "+script, "AuthorizedKeysCommandUser root", "AuthorizedKeysFile none")
}

func TestALoginThatTheServersEndCutsOffIsMadeAgain(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	server := interruptible(t, n, 2)
	links := NewLinks(Options{})
	defer links.Close()
	l := links.Get(plan(t, n.load(t), "h"), nil)
	defer l.Keep()()
	if _, err := l.Conn(soon(t)); err != nil {
		t.Fatal(err)
	}
	if made := server.Logins(); made != 1 {
		t.Errorf("%d logins succeeded:\n%s", made, server.Log())
	}
}

func TestALoginThatIsCutOffEachTimeIsRefused(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	interruptible(t, n, 9)
	w := newWatch()
	links := NewLinks(w.options())
	defer links.Close()
	l := links.Get(plan(t, n.load(t), "h"), nil)
	defer l.Keep()()
	if _, err := l.Conn(soon(t)); err == nil {
		t.Fatal("it succeeded")
	}
	w.await(t, l, "failed", func(s LinkStatus) bool { return s.State == Failed })
	f := l.Status().Failure
	want := fmt.Sprintf(`the server closed the connection during the login as %q: publickey %s/id ED25519 was not answered`, n.user, n.dir)
	if f == nil || f.Code != CodeAuth || !strings.HasSuffix(f.Message, want) || !strings.HasPrefix(f.Hint, "it was so 3 times in a row") {
		t.Errorf("the failure is %+v, want %q", f, want)
	}
}

func TestALoginThatIsCutOffOnceIsNoRefusal(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	interruptible(t, n, 1)
	if f := n.failure(t, "h"); f.Code != CodeClosed || !f.HungUp {
		t.Errorf("the failure is %+v", f)
	}
}

// A server that has gone while a person was asked has refused nothing.
func TestAnAnswerThatComesTooLateIsNoRefusal(t *testing.T) {
	t.Parallel()
	h, err := load(t, "Host wall\nUser jon\n").Resolve("wall", config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	gone := false
	given := typed("winter")
	a := newAuth(t.Context(), h, nil, func(context.Context, Question) (Answer, error) { gone = true; return given, nil }, func(string) {})
	a.lost = func() error {
		if gone {
			return io.EOF
		}
		return nil
	}
	answer, err := a.put(Question{Kind: AskPassword, Prompts: []Prompt{{Text: "Password:"}}})
	var f *Failure
	want := `the server closed the connection during the login as "jon": the question for the password was answered too late`
	if !errors.As(err, &f) || f.Code != CodeClosed || f.Message != want || a.stop != err {
		t.Errorf("the failure is %+v, want %q", err, want)
	}
	if len(answer.Texts) > 0 || string(given.Texts[0]) == "winter" {
		t.Errorf("the answer %q goes on, and %q stays", answer.Texts, given.Texts)
	}
}

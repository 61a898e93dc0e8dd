package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/tunnels"
)

// noted is a connection that notes what is asked of its forwards. It has one
// that listens on port 1.
type noted struct{ done []string }

func (n *noted) open(_ context.Context, s tunnels.Spec) error {
	if s.Listen.Port == 22 {
		return errors.New("port 22 is taken")
	}
	n.done = append(n.done, fmt.Sprintf("open %s", s))
	return nil
}

func (n *noted) cancel(_ context.Context, kind tunnels.Kind, listen tunnels.Address) error {
	if listen.Port != 1 {
		return errNoForward
	}
	n.done = append(n.done, fmt.Sprintf("cancel %s %s", kind, listen))
	return nil
}

func (n *noted) connections(context.Context) []string { return []string{"client-session", "a forward"} }

func TestTheCommandLineIsThatOfSSH(t *testing.T) {
	for line, want := range map[string]struct{ done, said string }{
		"":                           {"", ""},
		"  ":                         {"", ""},
		"-":                          {"", ""},
		"-L 8080:host:80":            {"open L 8080:host:80", "Forwarding port."},
		"L8080:host:80":              {"open L 8080:host:80", "Forwarding port."},
		" -L\t127.0.0.1:80:[::1]:80": {"open L 127.0.0.1:80:[::1]:80", "Forwarding port."},
		"-R 9000:localhost:9":        {"open R 9000:localhost:9", "Forwarding port."},
		"-D 1080":                    {"open D 1080", "Forwarding port."},
		"-L 22:host:22":              {"", "Port forwarding failed. sallyport: port 22 is taken"},
		"-L":                         {"", "Bad forwarding specification."},
		"-L 8080":                    {"", "Bad forwarding specification."},
		"-D a:b:c":                   {"", "Bad forwarding specification."},
		"-KL 1":                      {"cancel L 1", "Canceled forwarding."},
		"-KR localhost:1":            {"cancel R localhost:1", "Canceled forwarding."},
		"KD1":                        {"cancel D 1", "Canceled forwarding."},
		"-KL 2":                      {"", "Unknown port forwarding."},
		"-KL 1:host:80":              {"", "Bad forwarding close specification."},
		"-K":                         {"", "Invalid command."},
		"-KX 1":                      {"", "Invalid command."},
		"-X":                         {"", "Invalid command."},
		"!echo hi":                   {"run echo hi", ""},
	} {
		t.Run(line, func(t *testing.T) {
			n := &noted{}
			c := escapeLine{forwards: n, local: true, run: func(s string) { n.done = append(n.done, "run "+s) }}
			said := strings.Join(c.do(t.Context(), line), " ")
			if done := strings.Join(n.done, " "); done != want.done || said != want.said {
				t.Errorf("it did %q and said %q, want %q and %q", done, said, want.done, want.said)
			}
		})
	}
}

func TestLocalCommandsNeedPermission(t *testing.T) {
	c := escapeLine{forwards: &noted{}, run: func(s string) { t.Errorf("it ran %q", s) }}
	if got := c.do(t.Context(), "!id"); !cmp.Equal(got, []string{"Invalid command."}) {
		t.Errorf("it said %q", got)
	}
	if got := strings.Join(c.do(t.Context(), "-h"), "\n"); strings.Contains(got, "!") {
		t.Errorf("help offers it:\n%s", got)
	}
}

// TestEscapesAreListed compares with what is in the file; what ssh itself
// lists is compared in TestEscapesAreThoseOfSSH.
func TestEscapesAreListed(t *testing.T) {
	var out strings.Builder
	all := abilities{ends: endsConnection, sendBreak: func() {}, forwards: &noted{}, verbosity: func(int) string { return "DEBUG" }, commandLine: true}
	for _, can := range []abilities{all, {ends: endsSession}} {
		e := &escaping{ctx: t.Context(), out: &out, char: '~', can: can, turn: &turn{}}
		acts := e.acts()
		for _, key := range []byte("?#BRv&") {
			acts[key]()
		}
	}
	want, err := os.ReadFile("testdata/escapes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), strings.ReplaceAll(out.String(), "\r\n", "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

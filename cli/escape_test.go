package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// acted notes the escapes that are carried out, and where.
func acted(log *strings.Builder) map[byte]func() {
	acts := make(map[byte]func())
	for _, key := range []byte("B#?\x1a") {
		acts[key] = func() { fmt.Fprintf(log, "%q ", key) }
	}
	return acts
}

func TestEscapesFollowNewlines(t *testing.T) {
	for name, row := range map[string]struct {
		char         byte
		typed, want  string
		acts         string
		disconnected bool
	}{
		"plain text passes":                       {char: '~', typed: "ls -l\r", want: "ls -l\r"},
		"~. at the start disconnects":             {char: '~', typed: "~.", disconnected: true},
		"~. after a newline disconnects":          {char: '~', typed: "ls\r~.more", want: "ls\r", disconnected: true},
		"~. inside a line passes":                 {char: '~', typed: "cd ~.", want: "cd ~."},
		"~~ is one tilde":                         {char: '~', typed: "\r~~.x", want: "\r~.x"},
		"an unknown escape passes":                {char: '~', typed: "\r~/bin\r", want: "\r~/bin\r"},
		"a newline after the tilde starts a line": {char: '~', typed: "~\r~.", want: "~\r", disconnected: true},
		"another character can be the escape":     {char: '%', typed: "~.\r%.", want: "~.\r", disconnected: true},
		"with none everything passes":             {char: 0, typed: "\r~.~B", want: "\r~.~B"},
		"8-bit bytes pass":                        {char: '~', typed: "\xff\x00\xfe", want: "\xff\x00\xfe"},
		"a tilde that waits is kept for the next": {char: '~', typed: "\r~x~.", want: "\r~x~."},
		"an escape is carried out":                {char: '~', typed: "a\r~Bb", want: "a\rb", acts: `'B' `},
		"one escape may follow another":           {char: '~', typed: "~#~?~.", acts: `'#' '?' `, disconnected: true},
		"a control character can be the key":      {char: '~', typed: "~\x1a", acts: `'\x1a' `},
		"a key without its tilde passes":          {char: '~', typed: "B#?\r", want: "B#?\r"},
		"the key may be the escape character":     {char: 'B', typed: "BB\rB#", want: "\r", acts: `'B' '#' `},
	} {
		for way, reader := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				var log strings.Builder
				e := newEscapes(reader(strings.NewReader(row.typed)), row.char, acted(&log))
				got, err := io.ReadAll(e)
				if err != nil || string(got) != row.want || log.String() != row.acts || e.disconnected.Load() != row.disconnected {
					t.Errorf("%q became %q, %v, did %s, disconnected %v; want %q, %s, %v",
						row.typed, got, err, &log, e.disconnected.Load(), row.want, row.acts, row.disconnected)
				}
			})
		}
	}
}

// FuzzEscapes checks that it does not matter how what is typed is cut.
func FuzzEscapes(f *testing.F) {
	f.Add("ls\r~.x", byte('~'), 1, 1)
	f.Add("~B~#\n~~~?", byte('~'), 2, 3)
	f.Add("~\r~/\r\r~", byte('~'), 3, 1)
	f.Add("\xff~~\r~\xff\x00", byte(0), 1, 2)
	f.Fuzz(func(t *testing.T, typed string, char byte, in, out int) {
		in, out = in&15+1, out&15+1
		want := filtered(t, typed, char, len(typed)+1, len(typed)+2)
		if got := filtered(t, typed, char, in, out); got != want {
			t.Errorf("%q in pieces of %d, read by %d, became %q, and at once %q", typed, in, out, got, want)
		}
		if char == 0 && want != typed || !strings.Contains(typed, string([]byte{char})) && want != typed {
			t.Errorf("%q has no escape and became %q", typed, want)
		}
	})
}

// filtered is what is left of what is typed in pieces of in bytes and read by
// out bytes, with the escapes in their places.
func filtered(t *testing.T, typed string, char byte, in, out int) string {
	t.Helper()
	var got strings.Builder
	acts := make(map[byte]func())
	for _, key := range []byte("B#?") {
		acts[key] = func() { fmt.Fprintf(&got, "<%c>", key) }
	}
	e := newEscapes(&pieces{typed, in}, char, acts)
	for p := make([]byte, out); ; {
		n, err := e.Read(p)
		got.Write(p[:n])
		if err == io.EOF {
			break
		}
	}
	if e.disconnected.Load() {
		got.WriteString("<.>")
	}
	return got.String()
}

// pieces reads a text a few bytes at a time.
type pieces struct {
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

func TestEscapeCharIsReadAsSSHConfigWritesIt(t *testing.T) {
	for text, want := range map[string]byte{"~": '~', "%": '%', "^]": 0x1d, "^b": 2, "none": 0, "": '~'} {
		if got := parseEscape(text); got != want {
			t.Errorf("EscapeChar %q is %#x, want %#x", text, got, want)
		}
	}
}

func TestTheLastAtEndsTheUser(t *testing.T) {
	for dest, want := range map[string][2]string{
		"host":            {"", "host"},
		"dany@host":       {"dany", "host"},
		"a@b.c@host":      {"a@b.c", "host"},
		"dany@2001:db8::": {"dany", "2001:db8::"},
	} {
		user, host := splitUser(dest)
		if got := [2]string{user, host}; got != want {
			t.Errorf("%q is %q, want %q", dest, got, want)
		}
	}
}

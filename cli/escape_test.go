package cli

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEscapesFollowNewlines(t *testing.T) {
	for name, row := range map[string]struct {
		char         byte
		typed, want  string
		disconnected bool
	}{
		"plain text passes":                       {'~', "ls -l\r", "ls -l\r", false},
		"~. at the start disconnects":             {'~', "~.", "", true},
		"~. after a newline disconnects":          {'~', "ls\r~.more", "ls\r", true},
		"~. inside a line passes":                 {'~', "cd ~.", "cd ~.", false},
		"~~ is one tilde":                         {'~', "\r~~.x", "\r~.x", false},
		"an unknown escape passes":                {'~', "\r~/bin\r", "\r~/bin\r", false},
		"a newline after the tilde starts a line": {'~', "~\r~.", "~\r", true},
		"another character can be the escape":     {'%', "~.\r%.", "~.\r", true},
		"with none everything passes":             {0, "\r~.", "\r~.", false},
		"8-bit bytes pass":                        {'~', "\xff\x00\xfe", "\xff\x00\xfe", false},
		"a tilde that waits is kept for the next": {'~', "\r~x~.", "\r~x~.", false},
	} {
		for way, reader := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				e := newEscapes(reader(strings.NewReader(row.typed)), row.char)
				got, err := io.ReadAll(e)
				if err != nil || string(got) != row.want || e.disconnected.Load() != row.disconnected {
					t.Errorf("%q became %q, %v, disconnected %v; want %q, %v",
						row.typed, got, err, e.disconnected.Load(), row.want, row.disconnected)
				}
			})
		}
	}
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

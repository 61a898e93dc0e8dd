package mux

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// escapes reads a client's terminal and does what its user asks for by an
// escape character at the start of a line (process_escapes in clientloop.c,
// with what there is for multiplexed sessions).
type escapes struct {
	*running
	ctx                context.Context // ends with the session
	lineStart, pending bool
}

// unavailable are the escapes that only the master's own session has.
var unavailable = map[byte]string{
	'Z' - 64: "^Z", 'V': "V", 'v': "v", '&': "&", 'C': "C",
}

// breakLength is that of a break, in milliseconds.
const breakLength = 1000

// Read implements io.Reader. After "~." it fails with errDetached.
func (e *escapes) Read(p []byte) (int, error) {
	in := make([]byte, max(len(p)/2, 1)) // an escape that turns out to be none gives one byte more
	defer clear(in)                      // what is typed may be a secret
	for {
		n, err := e.Stdin.Read(in)
		out, stop := e.filter(p[:0], in[:n])
		if stop {
			e.cancel(errDetached)
			return 0, errDetached
		}
		if len(out) > 0 || err != nil {
			return len(out), err
		}
	}
}

// filter appends to out what of the input is no escape. stop is true when the
// session is to end.
func (e *escapes) filter(out, in []byte) (text []byte, stop bool) {
	for _, b := range in {
		switch {
		case e.pending:
			e.pending = false
			if b == '.' {
				return nil, true // mux.c's "~." on the terminal is lost with the channel
			}
			if e.act(b) {
				continue
			}
			if b != e.Escape {
				out = append(out, e.Escape)
			}
		case e.lineStart && b == e.Escape:
			e.pending = true
			continue
		}
		e.lineStart = b == '\r' || b == '\n'
		out = append(out, b)
	}
	return out, false
}

// act does what an escape asks for; false if it is none.
func (e *escapes) act(b byte) bool {
	name, elsewhere := unavailable[b]
	switch {
	case elsewhere:
		e.say("%c%s escape not available to multiplexed sessions\r\n", e.Escape, name)
	case b == 'B':
		e.say("%cB\r\n", e.Escape)
		e.ask("break", ssh.Marshal(rfc4254.Break{Milliseconds: breakLength}))
	case b == 'I' && e.inform != nil:
		e.say("%cI\r\n%s", e.Escape, e.inform(e.ctx))
	case b == 'R': // x/crypto/ssh renews its keys by itself
	case b == '#':
		e.say("%c#\r\nThe following connections are open:\r\n  #%d client-session\r\n", e.Escape, e.ID)
	case b == '?':
		e.help()
	default:
		return false
	}
	return true
}

// help is print_escape_help.
func (e *escapes) help() {
	list := escapeHelp
	if e.inform == nil {
		list = strings.Replace(list, informHelp, "", 1)
	}
	e.say(list, e.Escape)
}

const escapeHelp = "%[1]c?\r\n" +
	"Supported escape sequences:\r\n" +
	" %[1]c.   - terminate session\r\n" +
	" %[1]cB   - send a BREAK to the remote system\r\n" +
	informHelp +
	" %[1]cR   - request rekey\r\n" +
	" %[1]c#   - list forwarded connections\r\n" +
	" %[1]c?   - this message\r\n" +
	" %[1]c%[1]c   - send the escape character by typing it twice\r\n" +
	"(Note that escapes are only recognized immediately after newline.)\r\n"

// informHelp is the line of an escape that ssh has since 10.3.
const informHelp = " %[1]cI   - show connection information\r\n"

func (e *escapes) say(format string, args ...any) {
	fmt.Fprintf(e.Stderr, format, args...) // a terminal that has gone cannot be told
}

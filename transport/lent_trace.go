package transport

import (
	"bytes"
	"io"
	"strconv"
)

// debugLine is a line of "ssh -v" (log.c).
var debugLine = pattern(`^debug([123]): (.*?)\r?$`)

// loginLine is the one on the login, which LogLevel VERBOSE has too; we trace
// ours in the same words.
var loginLine = pattern(`^(Authenticated to .*?)\r?$`)

// debugLines takes the debug lines out of what ssh says, and tells them, as
// also that of the login, which nobody has asked for who did not ask for those.
type debugLines struct {
	rest io.Writer
	tell tracer
	line []byte // begun
}

func (d *debugLines) Write(p []byte) (int, error) {
	d.line = append(d.line, p...)
	for {
		line, after, whole := bytes.Cut(d.line, []byte("\n"))
		if !whole {
			break
		}
		if m := debugLine().FindSubmatch(line); m != nil {
			level, _ := strconv.Atoi(string(m[1])) // it is one digit
			d.tell(level, "ssh: %s", m[2])
		} else if m := loginLine().FindSubmatch(line); m != nil {
			d.tell(1, "%s", m[1])
		} else if _, err := d.rest.Write(append(line[:len(line):len(line)], '\n')); err != nil {
			return 0, err
		}
		d.line = after
	}
	if len(d.line) > stderrLimit { // no line of ssh's
		d.line = d.line[:0]
	}
	return len(p), nil
}

package transport

import (
	"fmt"
	"time"

	"sallyport/config"
)

// Trace is one step of a dial, told as it happens: what "ssh -v" prints and
// what the doctor reads. It never holds a secret.
type Trace struct {
	At      time.Time
	Link    string // LinkStatus.ID
	Hop     string // alias, printable
	Level   int    // 1 to 3, as the number of -v that shows it; 0 for what ssh says without, LevelError for its errors
	Message string // printable, in the words of ssh's debug lines where ssh has one
}

// LevelError is the Trace.Level of what ssh says at LogLevel ERROR.
const LevelError = -1

// tracer tells a step of one dial; a nil one tells nobody.
type tracer func(level int, format string, args ...any)

func (t tracer) say(level int, format string, args ...any) {
	if t != nil {
		t(level, format, args...)
	}
}

// traced tells whether somebody listens to trace.
func (c dialCall) traced() bool { return c.link.set.options.Trace != nil }

// trace is the tracer of this attempt.
func (c dialCall) trace(level int, format string, args ...any) {
	tell := c.link.set.options.Trace
	if tell == nil {
		return
	}
	tell(Trace{
		At: time.Now(), Link: c.link.id, Hop: c.link.name(), Level: level,
		Message: config.Printable(fmt.Sprintf(format, args...)),
	})
}

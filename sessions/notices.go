package sessions

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"sallyport/config"
)

// notices are ssh's warnings in a session. They wait for a viewer, and go to
// its standard error between what the far side writes there, or else to a log.
type notices struct {
	mu     sync.Mutex // guards what follows, and writes to viewer
	viewer io.Writer  // nil until there is one
	log    io.Writer  // nil for the viewer
	held   []string
}

// WarnTo has ssh's warnings go to a log, as ssh -E has it, instead of to the
// standard error of the viewer. It is called before Attach.
func (s *Session) WarnTo(log io.Writer) {
	n := &s.notices
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = log
	n.release(log)
}

// level is how important a message is (log.h of OpenSSH).
type level int

const (
	logError level = iota
	logInfo
	logVerbose
)

// silent are the LogLevels that hide a message of each level.
var silent = map[level]string{
	logError:   "QUIET FATAL",
	logInfo:    "QUIET FATAL ERROR",
	logVerbose: "QUIET FATAL ERROR INFO",
}

// warn says something to the viewer in ssh's words, unless the host's LogLevel
// hides it. The line ends as ssh ends it, which also suits a terminal in raw
// mode (log.c).
func (s *Session) warn(at level, format string, args ...any) {
	if host := s.link.Host().Host; strings.Contains(" "+silent[at]+" ", " "+strings.ToUpper(host.Get("LogLevel"))+" ") {
		return
	}
	s.notices.add(config.Printable(fmt.Sprintf(format, args...)) + "\r\n")
}

func (n *notices) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = append(n.held, line)
	switch {
	case n.log != nil:
		n.release(n.log)
	case n.viewer != nil:
		n.release(n.viewer)
	}
}

// release writes what was held; mu is held.
func (n *notices) release(to io.Writer) {
	for _, line := range n.held {
		_, _ = io.WriteString(to, line) // a viewer that has gone is noticed by what the far side writes
	}
	n.held = nil
}

// show gives what was held to a viewer, and what comes from now on. What else
// is for the viewer's standard error goes through the writer that it returns.
func (n *notices) show(viewer io.Writer) io.Writer {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.viewer = viewer
	n.release(viewer) // with a log there is nothing
	return besides{n}
}

// besides writes to a viewer between notices.
type besides struct{ n *notices }

func (b besides) Write(p []byte) (int, error) {
	b.n.mu.Lock()
	defer b.n.mu.Unlock()
	return b.n.viewer.Write(p)
}

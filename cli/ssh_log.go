package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
)

// The levels of LogLevel that are told apart (log.h).
const (
	logQuiet = iota
	logFatal
	logError
	logInfo
	logVerbose
	logDebug // and two more
)

var levelNames = []string{"QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG2", "DEBUG3"}

// sshLog says what ssh says, to standard error or the file of -E. As there,
// each line ends in CR LF: the terminal may be in raw mode.
type sshLog struct {
	mu    sync.Mutex // guards w and level
	w     io.Writer
	level int
}

// openLog is the log of a command line, whose configuration has not been read.
func (c *sshCall) openLog(stderr io.Writer) (*sshLog, error) {
	l := &sshLog{w: stderr, level: logInfo}
	if c.hasLevel {
		l.level = c.level
	}
	if !c.given['E'] {
		return l, nil
	}
	f, err := os.OpenFile(c.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		end := &sshExit{status: 1, stderr: fmt.Sprintf("Couldn't open logfile %s: %s\n", api.Printable(c.logFile), strerror(err))}
		return nil, end
	}
	l.w = f // until the program ends
	return l, nil
}

// follow takes the level of a configuration.
func (l *sshLog) follow(h *config.Host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = logLevel(h)
}

// logLevel is the LogLevel of a host.
func logLevel(h *config.Host) int {
	name := strings.ToUpper(h.Get("LogLevel"))
	switch name {
	case "SILENT":
		name = "QUIET"
	case "DEBUG1":
		name = "DEBUG"
	}
	if level := slices.Index(levelNames, name); level >= 0 {
		return level
	}
	return logInfo
}

// upTo is the highest level that is printed.
func (l *sshLog) upTo() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.level
}

// shows tells whether a level is printed.
func (l *sshLog) shows(level int) bool { return level <= l.upTo() }

// say prints a line at a level, if that is shown.
func (l *sshLog) say(level int, format string, args ...any) {
	if l.shows(level) {
		l.print(level, format, args...)
	}
}

// print prints a line of a level.
func (l *sshLog) print(level int, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if level >= logDebug {
		format = fmt.Sprintf("debug%d: %s", level-logDebug+1, format)
	}
	fmt.Fprintf(l.w, format+"\r\n", args...) // a log that cannot be written can tell nobody
}

// louder moves the level by one, within bounds, and names it as
// process_escapes of clientloop.c does.
func (l *sshLog) louder(by int) (name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = max(logQuiet, min(l.level+by, len(levelNames)-1))
	if l.level == logQuiet {
		return "SILENT" // the first of its two names (log.c)
	}
	return levelNames[l.level]
}

// redirect sends the rest elsewhere.
func (l *sshLog) redirect(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w = w
}

// Write implements io.Writer, for what is no log line.
func (l *sshLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// authenticated begins the line on a login, which ssh says at LogLevel VERBOSE
// (sshconnect2.c).
const authenticated = "Authenticated to "

// levelOfTrace is the level at which ssh says a step of a dial.
func levelOfTrace(t transport.Trace) int {
	switch {
	case strings.HasPrefix(t.Message, authenticated):
		return logVerbose
	case t.Level == transport.LevelError:
		return logError
	case t.Level > 0:
		return logDebug + t.Level - 1
	}
	return logInfo
}

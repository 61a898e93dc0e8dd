package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/rivo/uniseg"

	"sallyport/api"
)

// runOutput is what many hosts write, line by line.
type runOutput struct {
	json     bool
	out, err runStream
	labels   map[string]label // by host
	asker    *terminalAsker

	mu sync.Mutex // held while a line is written
}

// runStream is one of our standard streams.
type runStream struct {
	w        io.Writer
	terminal bool // bytes that a terminal could act on are shown instead
	colour   bool
}

func newRunStream(w io.Writer) runStream {
	terminal := isTerminal(w)
	return runStream{w, terminal, terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// label is what stands before a host's lines.
type label struct {
	name   string // printable, with a colon
	pad    string
	colour string // SGR
}

// labelColours tell neighbours apart: the six of ECMA-48 that are neither black
// nor white.
var labelColours = []string{"36", "33", "32", "35", "34", "31"}

func newRunOutput(std Stdio, asker *terminalAsker, hosts []api.Host, json bool) *runOutput {
	o := &runOutput{json: json, out: newRunStream(std.Out), err: newRunStream(std.Err), labels: map[string]label{}, asker: asker}
	widest := 0
	for _, h := range hosts {
		widest = max(widest, uniseg.StringWidth(api.Printable(h.Name)))
	}
	for i, h := range hosts {
		name := api.Printable(h.Name)
		o.labels[h.Name] = label{
			name:   name + ":",
			pad:    strings.Repeat(" ", widest-uniseg.StringWidth(name)+1),
			colour: labelColours[i%len(labelColours)],
		}
	}
	return o
}

// of are the places for what one host writes.
func (o *runOutput) of(host string) (stdout, stderr *lines) {
	if o.json {
		stdout = &lines{put: func(line string) error { return o.object(runLine{Host: host, Stdout: &line}) }}
		stderr = &lines{put: func(line string) error { return o.object(runLine{Host: host, Stderr: &line}) }}
		return stdout, stderr
	}
	return &lines{put: func(line string) error { return o.line(o.out, host, line) }},
		&lines{put: func(line string) error { return o.line(o.err, host, line) }}
}

// runLine is a line as JSON has it.
type runLine struct {
	Host   string  `json:"host"`
	Stdout *string `json:"stdout,omitempty"`
	Stderr *string `json:"stderr,omitempty"`
}

// ended prints how it ended on a host, where programs read along.
func (o *runOutput) ended(end hostOutcome) error {
	if !o.json {
		return nil
	}
	return o.object(end)
}

func (o *runOutput) object(v any) error {
	return o.inTurn(o.out, func() error { return printJSONLine(o.out.w, v) })
}

func (o *runOutput) line(s runStream, host, line string) error {
	l := o.labels[host]
	if s.terminal {
		line = harmless(line)
	}
	if s.colour {
		l.name = "\x1b[" + l.colour + "m" + l.name + "\x1b[m"
	}
	return o.inTurn(s, func() error {
		_, err := fmt.Fprintf(s.w, "%s%s%s\n", l.name, l.pad, line)
		return err
	})
}

// inTurn writes one line whole. On a terminal it waits for a question that is
// being asked there.
func (o *runOutput) inTurn(s runStream, write func() error) error {
	if s.terminal {
		unhindered := write
		write = func() error { return o.asker.between(unhindered) }
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return write()
}

// longestLine is what is kept of a line without an end, in bytes. Its rest is a
// line of its own.
const longestLine = 64 << 10

// lines hands on what is written to it, a line at a time.
type lines struct {
	put   func(line string) error // without the line feed
	begun []byte
}

func (l *lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if room := longestLine - len(l.begun); len(line) > room {
			line, after, whole = rest[:room], rest[room:], true
		}
		l.begun, rest = append(l.begun, line...), after
		if !whole {
			break
		}
		if err := l.emit(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// flush hands on a last line that has no end.
func (l *lines) flush() error {
	if len(l.begun) == 0 {
		return nil
	}
	return l.emit()
}

func (l *lines) emit() error {
	line := string(l.begun)
	l.begun = l.begun[:0]
	return l.put(line)
}

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"sallyport/config"
)

// abilities are what the escapes ask of a session and its connection. What is
// nil is not offered.
type abilities struct {
	ends      string // what "~." ends, in the words of "~?"
	sendBreak func()
	inform    func(out io.Writer) // says what is known of the connection, now or soon
	detach    func()              // leaves the session running
	forwards  forwards
	verbosity func(by int) (level string)

	informs      bool // ssh does
	commandLine  bool // EnableEscapeCommandline
	localCommand bool // PermitLocalCommand
}

// What "~." ends: the session of one among many on a connection, or all.
const (
	endsSession    = "terminate session"
	endsConnection = "terminate connection (and any multiplexed sessions)"
)

// abilitiesOf are those that the host's configuration permits; the session
// adds its own.
func abilitiesOf(h *config.Host) abilities {
	return abilities{
		ends:         endsSession,
		informs:      config.TellsConnection(),
		commandLine:  h.Get("EnableEscapeCommandline") == "yes",
		localCommand: h.Get("PermitLocalCommand") == "yes",
	}
}

// escaping carries out escapes on a terminal. Its methods are called by
// whoever reads the terminal, one at a time.
type escaping struct {
	ctx   context.Context
	term  *terminal
	out   io.Writer // words for the person
	char  byte
	can   abilities
	turn  *turn                // held while the terminal is somebody else's: the session's output waits
	leave func()               // ends the session
	size  func()               // the window may have another size
	run   func(command string) // by the user's shell
}

// escapeRow is an escape as "~?" lists it.
type escapeRow struct {
	keys, name, help string
	act              func(key byte) // nil where the session cannot
	hidden           bool
}

// rows are all escapes of ssh(1), in the order of its list. Rekeying on
// request and going to the background are not offered: x/crypto/ssh has no
// way to start a key exchange, and a Go program none to fork.
//
// "~I" is one where the installed ssh has it, since 10.3. "~d" is ours: where it
// can do nothing it is no escape.
func (e *escaping) rows() []escapeRow {
	rows := []escapeRow{
		{keys: ".", name: ".", help: e.can.ends, act: func(byte) { e.leave() }},
		{keys: "B", name: "B", help: "send a BREAK to the remote system", act: unless(e.can.sendBreak == nil, e.sendBreak)},
		{keys: "C", name: "C", help: "open a command line", act: unless(e.can.forwards == nil || !suspends, e.commandLine), hidden: !e.can.commandLine},
		{keys: "I", name: "I", help: "show connection information", act: unless(e.can.inform == nil, e.inform)},
		{keys: "R", name: "R", help: "request rekey"},
		{keys: "Vv", name: "V/v", help: "decrease/increase verbosity (LogLevel)", act: unless(e.can.verbosity == nil, e.verbosity)},
		{keys: "\x1a", name: "^Z", help: "suspend sallyport", act: unless(!suspends, e.suspend)},
		{keys: "#", name: "#", help: "list forwarded connections", act: unless(e.can.forwards == nil, e.connections)},
		{keys: "&", name: "&", help: "background sallyport (when waiting for connections to terminate)"},
		{keys: "?", name: "?", help: "this message", act: e.list},
	}
	if !e.can.informs {
		rows = slices.DeleteFunc(rows, func(row escapeRow) bool { return row.keys == "I" })
	}
	if e.can.detach != nil {
		rows = append(rows, escapeRow{keys: "d", name: "d", help: "detach, and leave the session running", act: func(byte) { e.can.detach() }})
	}
	return rows
}

func unless(cannot bool, act func(byte)) func(byte) {
	if cannot {
		return nil
	}
	return act
}

// acts are the escapes by their keys.
func (e *escaping) acts() map[byte]func() {
	acts := make(map[byte]func())
	for _, row := range e.rows() {
		for _, key := range []byte(row.keys) {
			if row.act == nil {
				acts[key] = func() { e.say("%c%s escape not available here", e.char, keyName(key)) }
				continue
			}
			acts[key] = func() { row.act(key) }
		}
	}
	return acts
}

// keyName is a key as ssh writes it: ^Z.
func keyName(key byte) string {
	if key < ' ' {
		return "^" + string(key+'@')
	}
	return string(key)
}

// say writes a line to a terminal in raw mode.
func (e *escaping) say(format string, args ...any) {
	e.turn.Lock()
	defer e.turn.Unlock()
	fmt.Fprintf(e.out, format+"\r\n", args...) // a terminal that has gone cannot be told
}

func (e *escaping) sendBreak(byte) {
	e.say("%cB", e.char)
	e.can.sendBreak()
}

func (e *escaping) inform(byte) {
	e.say("%cI", e.char)
	e.turn.Lock()
	defer e.turn.Unlock()
	e.can.inform(e.out)
}

func (e *escaping) verbosity(key byte) {
	by := 1
	if key == 'V' {
		by = -1
	}
	e.say("%c%c [LogLevel %s]", e.char, key, e.can.verbosity(by))
}

// list says what is offered, in the format of print_escape_help.
func (e *escaping) list(byte) {
	var b strings.Builder
	fmt.Fprintf(&b, "%c?\r\nSupported escape sequences:\r\n", e.char)
	for _, row := range e.rows() {
		if row.act != nil && !row.hidden {
			fmt.Fprintf(&b, " %c%-3s - %s\r\n", e.char, row.name, row.help)
		}
	}
	fmt.Fprintf(&b, " %c%c   - send the escape character by typing it twice\r\n", e.char, e.char)
	e.say("%s(Note that escapes are only recognized immediately after newline.)", b.String())
}

// connections lists what is open, as channel_open_message of channels.c does.
func (e *escaping) connections(byte) {
	e.say("%c#\r\nThe following connections are open:", e.char)
	for i, line := range e.can.forwards.connections(e.ctx) {
		e.say("  #%d %s", i, line)
	}
}

// suspend stops this program as its shell's ^Z would, with the terminal as
// the shell knows it. The window may have another size afterwards.
func (e *escaping) suspend(byte) {
	e.say("%c^Z [suspend sallyport]", e.char)
	e.turn.Lock()
	defer e.turn.Unlock()
	e.term.cooked(stopSelf)
	e.size()
}

// commandLine asks for one line and carries it out.
func (e *escaping) commandLine(byte) {
	if !e.can.commandLine {
		e.say("commandline disabled")
		return
	}
	e.turn.Lock()
	defer e.turn.Unlock()
	e.term.cooked(func() {
		line, err := e.term.askLine(e.out, "\r\nssh> ")
		if err != nil {
			return // ^C, or the session has ended: nothing was asked for
		}
		c := escapeLine{forwards: e.can.forwards, local: e.can.localCommand, run: e.run}
		for _, words := range c.do(e.ctx, line) {
			fmt.Fprintln(e.out, words)
		}
	})
}

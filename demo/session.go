package demo

import (
	"context"
	"io"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// session is a "session" channel (RFC 4254 section 6): it collects the
// environment and the terminal, runs one shell or command, and reports its
// exit status.
type session struct {
	server  *server
	ch      ssh.Channel
	input   *input
	env     []string // touched only by serveSession until started
	tty     *tty     // nil without a terminal; as env
	started bool     // as env
	cancel  context.CancelFunc

	mu     sync.Mutex
	signal string // the signal that ends the command, as RFC 4254 names it; guarded by mu
}

// serveSession answers the requests of a session until its channel ends.
func serveSession(ctx context.Context, s *server, ch ssh.Channel, requests <-chan *ssh.Request) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := &session{server: s, ch: ch, input: newInput(), cancel: cancel}
	defer e.input.end()
	s.net.running.Go(func() { e.input.fill(ch) }) // ends with ch; Close waits
	for r := range requests {
		program, ok := e.request(r)
		reply(r, ok)
		if program != nil {
			s.net.running.Go(func() { e.run(ctx, program) }) // ends with ctx or by itself; Close waits
		}
	}
}

// request carries out r. For the one that starts something it returns what is
// to run once the request has been answered.
func (e *session) request(r *ssh.Request) (program func(context.Context) int, ok bool) {
	switch r.Type {
	case "env":
		return nil, e.setEnv(r.Payload)
	case "pty-req":
		return nil, e.setTerminal(r.Payload)
	case "window-change":
		return nil, e.resize(r.Payload)
	case "signal":
		return nil, e.kill(r.Payload)
	case "shell":
		return e.start(func(ctx context.Context, sh *shell) int { return sh.login(ctx) })
	case "exec":
		var m rfc4254.Program
		if ssh.Unmarshal(r.Payload, &m) != nil {
			return nil, false
		}
		return e.start(func(ctx context.Context, sh *shell) int { return sh.run(ctx, m.Command) })
	case keepalive:
		return nil, true
	}
	return nil, false
}

// maxEnv bounds what a client may make us remember.
const maxEnv = 64

func (e *session) setEnv(payload []byte) bool {
	var m rfc4254.Env
	if ssh.Unmarshal(payload, &m) != nil || e.started || len(e.env) == maxEnv {
		return false
	}
	e.env = append(e.env, m.Name+"="+m.Value)
	return true
}

func (e *session) setTerminal(payload []byte) bool {
	var m rfc4254.Pty
	if ssh.Unmarshal(payload, &m) != nil || e.started || e.tty != nil {
		return false
	}
	e.tty = newTTY(e.input, e.ch, size{columns: int(m.Columns), rows: int(m.Rows)})
	e.env = append(e.env, "TERM="+m.Term)
	return true
}

func (e *session) resize(payload []byte) bool {
	var m rfc4254.Window
	if ssh.Unmarshal(payload, &m) != nil || e.tty == nil {
		return false
	}
	e.tty.resize(size{columns: int(m.Columns), rows: int(m.Rows)})
	return true
}

// kill ends what runs, as the signal's default action would.
func (e *session) kill(payload []byte) bool {
	var m rfc4254.Signal
	if ssh.Unmarshal(payload, &m) != nil || !e.started {
		return false
	}
	e.mu.Lock()
	e.signal = m.Name
	e.mu.Unlock()
	e.cancel()
	return true
}

// start is what shell and exec have in common; a session has one of them.
func (e *session) start(program func(context.Context, *shell) int) (func(context.Context) int, bool) {
	if e.started {
		return nil, false
	}
	e.started = true
	sh := newShell(e.server.net, e.server.host, e.env)
	if e.tty != nil {
		e.tty.attach(sh)
	} else {
		sh.in, sh.out, sh.err = e.input, e.ch, e.ch.Stderr()
	}
	return func(ctx context.Context) int { return program(ctx, sh) }, true
}

// run runs program and tells its end: EOF, then exit-status or exit-signal
// (RFC 4254 section 6.10), then close.
func (e *session) run(ctx context.Context, program func(context.Context) int) {
	status := program(ctx)
	if e.tty != nil {
		e.tty.hangUp()
	}
	// All four fail only where the channel has ended, and then nobody listens.
	_ = e.ch.CloseWrite()
	if signal := e.signalled(); signal != "" {
		_, _ = e.ch.SendRequest("exit-signal", false, ssh.Marshal(rfc4254.ExitSignal{Name: signal}))
	} else {
		_, _ = e.ch.SendRequest("exit-status", false, ssh.Marshal(rfc4254.ExitStatus{Status: uint32(status)}))
	}
	_ = e.ch.Close()
}

func (e *session) signalled() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.signal
}

// inputSize is how much input waits for a program before the channel's window
// closes.
const inputSize = 64 << 10

// input is what a client has sent and no program has read. It is filled by
// one goroutine, so that Ctrl-C is seen while nothing reads.
type input struct {
	mu        sync.Mutex // guards all below
	changed   *sync.Cond
	buf       []byte
	eof       bool   // the client will send no more
	ended     bool   // nobody will read any more
	interrupt func() // called for each Ctrl-C, which is then not part of the input; nil: it is
}

func newInput() *input {
	in := &input{}
	in.changed = sync.NewCond(&in.mu)
	return in
}

// fill takes in what comes from r until its end.
func (in *input) fill(r io.Reader) {
	p := make([]byte, 32<<10)
	for {
		n, err := r.Read(p)
		in.add(p[:n])
		if err != nil {
			in.mu.Lock()
			in.eof = true
			in.changed.Broadcast()
			in.mu.Unlock()
			return
		}
	}
}

const ctrlC, ctrlD = 3, 4

func (in *input) add(p []byte) {
	for len(p) > 0 {
		rest := in.interrupted(p)
		p = rest[in.append(rest):]
	}
}

// interrupted acts on the last Ctrl-C of p if the input is a terminal's. What
// was typed before it is dropped, as a terminal does.
func (in *input) interrupted(p []byte) (rest []byte) {
	in.mu.Lock()
	interrupt := in.interrupt
	i := strings.LastIndexByte(string(p), ctrlC)
	if interrupt == nil || i < 0 {
		in.mu.Unlock()
		return p
	}
	in.buf = nil
	in.mu.Unlock()
	interrupt()
	return p[i+1:]
}

// append takes in the start of p as soon as there is room. What nobody will
// read is taken in and forgotten.
func (in *input) append(p []byte) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.buf) >= inputSize && !in.ended {
		in.changed.Wait()
	}
	if in.ended {
		return len(p)
	}
	n := min(len(p), inputSize-len(in.buf))
	in.buf = append(in.buf, p[:n]...)
	in.changed.Broadcast()
	return n
}

// end says that nobody will read any more.
func (in *input) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	in.changed.Broadcast()
}

// take waits for input and removes what choose, given all of it, says; or
// fails with io.EOF or the error of ctx.
func (in *input) take(ctx context.Context, choose func(all []byte) int) ([]byte, error) {
	defer context.AfterFunc(ctx, func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.changed.Broadcast()
	})()
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case len(in.buf) > 0:
			n := choose(in.buf)
			taken := in.buf[:n:n]
			in.buf = in.buf[n:]
			in.changed.Broadcast()
			return taken, nil
		case in.eof || in.ended:
			return nil, io.EOF
		}
		in.changed.Wait()
	}
}

// reader reads the input as it came, until ctx ends.
func (in *input) reader(ctx context.Context) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		taken, err := in.take(ctx, func(all []byte) int { return min(len(p), len(all)) })
		return copy(p, taken), err
	})
}

// line reads up to the next newline or the end.
func (in *input) line(ctx context.Context) (string, error) {
	var line []byte
	for {
		taken, err := in.take(ctx, throughNewline)
		line = append(line, taken...)
		switch {
		case err == io.EOF && len(line) > 0:
			return string(line), nil
		case err != nil:
			return "", err
		case line[len(line)-1] == '\n':
			return string(line[:len(line)-1]), nil
		}
	}
}

func throughNewline(all []byte) int {
	if i := strings.IndexByte(string(all), '\n'); i >= 0 {
		return i + 1
	}
	return len(all)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

package transport

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/internal/brisk"
)

// headLimit is how much of what a server says first is kept, in bytes: enough
// for a version line (RFC 4253 section 4.2) and to recognize something else.
const headLimit = 512

// wire is the bytes below an SSH connection, and what has been seen of them.
type wire struct {
	net.Conn
	brisk net.Conn     // is Conn, to read and write
	born  time.Time    // what heard counts from; a clock that is set does not touch it
	heard atomic.Int64 // time of the last bytes read, in nanoseconds since born

	login atomic.Bool // until settle: what is read is kept for those who log in

	// prompt is true while each read is acknowledged at once. sshd before 10.1
	// leaves Nagle's algorithm on until a session starts, so each small packet
	// of a login, and of what goes on to the hosts behind a jump, would wait for
	// our delayed acknowledgement, about 40 ms.
	prompt atomic.Bool

	spoke func() // called by the reader at the first bytes of a login; nil for nobody

	// ahead is what was read beyond what was asked for, touched only by the
	// reader: x/crypto/ssh asks for the version line byte by byte.
	ahead []byte

	sent, received atomic.Int64 // bytes

	gathering gathering
	waiting   atomic.Bool // the reader has understood all that came, and wants more
	answered  atomic.Bool // something was written since the last bytes were read

	outbox outbox

	closing sync.Once     // guards gone against being closed twice
	gone    chan struct{} // closed by Close

	mu       sync.Mutex // guards all below
	head     []byte     // the first bytes read, up to headLimit
	exchange exchange   // the first one
	end      error      // of reading
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, brisk: brisk.Wrap(c), gone: make(chan struct{}), born: time.Now(), outbox: outbox{filled: make(chan struct{}, 1)}}
	w.login.Store(true)
	w.prompt.Store(true)
	return w
}

// Close also tells who waits for gone: x/crypto/ssh closes what is below when
// the far side breaks a rule, and then, if that one has sent much more, waits
// for its own reader, which waits for it.
func (w *wire) Close() error {
	w.closing.Do(func() {
		w.outbox.empty(w.brisk)
		close(w.gone)
	})
	return w.Conn.Close()
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.ahead) == 0 {
		var room []byte
		switch {
		case w.gathering.wanted.Load():
			room = w.gathering.space()
		case len(p) == 1:
			room = make([]byte, headLimit)
		default:
			return w.receive(p)
		}
		n, err := w.receive(room)
		if n == 0 {
			return 0, err
		}
		w.ahead = room[:n] // an error comes again
	}
	n := copy(p, w.ahead)
	w.ahead = w.ahead[n:]
	return n, nil
}

// receive reads from below.
func (w *wire) receive(p []byte) (int, error) {
	read := w.brisk.Read
	if w.gathering.wanted.Load() {
		read = w.gather
	}
	w.waiting.Store(true)
	n, err := read(p)
	w.waiting.Store(false) // before anybody learns of err
	if n > 0 {
		w.answered.Store(false)
		w.received.Add(int64(n))
		w.heard.Store(int64(time.Since(w.born)))
		if w.login.Load() && w.keep(p[:n]) && w.spoke != nil {
			w.spoke()
		}
		if w.prompt.Load() {
			brisk.Acknowledge(w.brisk)
		}
	}
	if err != nil {
		w.mu.Lock()
		w.end = err
		w.mu.Unlock()
	}
	return n, err
}

// Write implements net.Conn. An error may be told by the next one.
func (w *wire) Write(p []byte) (int, error) {
	w.answered.Store(true) // now: the answer to p may be read before this returns
	n, err := w.post(p)
	w.sent.Add(int64(n))
	return n, err
}

// idle tells whether what was read last was understood and answered, and
// more is waited for.
func (w *wire) idle() bool { return w.waiting.Load() && w.answered.Load() }

// lost is why nothing more will be read, nil while something may.
func (w *wire) lost() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end
}

// proof is the host key and its signature of the session identifier; nil where
// they were not understood.
func (w *wire) proof() (key, signature []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.exchange.key, w.exchange.signature
}

// settle ends the time of the login.
func (w *wire) settle() { w.login.Store(false) }

// relax is told that a session has started.
func (w *wire) relax() { w.prompt.Store(false) }

// lastHeard is when the far side was last heard of.
func (w *wire) lastHeard() time.Time { return w.born.Add(time.Duration(w.heard.Load())) }

// keep keeps the beginning of what was read, and tells whether p begins it.
func (w *wire) keep(p []byte) (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first = len(w.head) == 0
	if room := headLimit - len(w.head); room > 0 {
		w.head = append(w.head, p[:min(room, len(p))]...)
	}
	w.exchange.add(p)
	return first
}

// greeting is the server's version line, or else the first line that it said;
// "" if it said nothing.
func (w *wire) greeting() (line string, isSSH bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := bytes.Split(w.head, []byte("\n"))
	for _, l := range lines {
		if bytes.HasPrefix(l, []byte("SSH-")) {
			return string(bytes.TrimRight(l, "\r")), true
		}
	}
	return string(bytes.TrimRight(lines[0], "\r")), false
}

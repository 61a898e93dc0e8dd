package mux

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/rfc4254"
)

// bufferSize is that of each copy, in bytes: two packets of SSH.
const bufferSize = 64 << 10

// buffers are those of copies that have ended. A fresh one has to be cleared,
// and its pages to be touched for the first time, which is more than a short
// command does with it.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// transfer copies until in ends or out takes no more.
func transfer(out io.Writer, in io.Reader) error {
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	_, err := io.CopyBuffer(onlyWriter{out}, onlyReader{in}, buffer[:])
	return err
}

// running is a session on its channel.
type running struct {
	*Session
	inform   func(ctx context.Context) string // nil for nothing to tell
	channel  ssh.Channel
	requests <-chan *ssh.Request // read by listen
	cancel   context.CancelCauseFunc

	size   Size          // that the far side was told of, with TTY
	ended  chan struct{} // closed by listen, when the channel is closed
	status *int          // set by listen before that
}

// listen reads what the far side asks and tells, until the channel is closed.
func (r *running) listen() {
	defer close(r.ended)
	for request := range r.requests {
		if request.Type == "exit-status" && len(request.Payload) >= 4 { // RFC 4254 section 6.10
			status := int(binary.BigEndian.Uint32(request.Payload))
			r.status = &status
		}
		if request.WantReply {
			_ = request.Reply(false, nil) // what is wrong with the connection, copy will see
		}
	}
}

// ask makes a request whose answer does not matter.
func (r *running) ask(name string, payload []byte) {
	_, _ = r.channel.SendRequest(name, false, payload) // what is wrong with the connection, start will see
}

// askTTY asks for a terminal like the client's. The answer costs a round trip,
// which mux.c saves: x/crypto/ssh cannot wait for one while it sends the next
// request.
func (r *running) askTTY() bool {
	size := r.Size()
	r.size = size
	ok, err := r.channel.SendRequest("pty-req", true, ssh.Marshal(rfc4254.Pty{
		Term: r.Term, Columns: uint32(size.Cols), Rows: uint32(size.Rows), Width: uint32(size.Width), Height: uint32(size.Height),
		Modes: rfc4254.EncodeModes(r.Modes),
	}))
	return ok || err != nil // what is wrong with the connection, start will see
}

// start runs the program. The client is not told why it does not: what mux.c
// has to say is lost with the channel.
func (r *running) start() error {
	name, payload := "exec", ssh.Marshal(rfc4254.Program{Command: r.Command})
	switch {
	case r.Subsystem:
		name = "subsystem"
	case r.Command == "":
		name, payload = "shell", nil
	}
	ok, err := r.channel.SendRequest(name, true, payload)
	if err == nil && !ok {
		err = fmt.Errorf("the far side refused the request %q", name)
	}
	return err
}

// refuseTTY tells the client that the far side gives no terminal, in the words
// of client_status_confirm in clientloop.c.
func (r *running) refuseTTY() {
	r.NoTTY()
	fmt.Fprint(r.Stderr, "PTY allocation request failed\r\n") // it may be closed
}

// copy joins the client's streams with the channel, until that is closed and
// all its output is written, or until ctx ends.
func (r *running) copy(ctx context.Context) {
	if r.TTY {
		go r.followSize(ctx) // ends with ctx
	}
	go r.input(ctx) // ends with the stream
	output := make(chan struct{}, 2)
	go func() { r.output(r.Stdout, r.channel); output <- struct{}{} }()
	go func() { r.output(r.Stderr, r.channel.Stderr()); output <- struct{}{} }()
	for _, ended := range []<-chan struct{}{output, output, r.ended} {
		select {
		case <-ended:
		case <-ctx.Done():
			return
		}
	}
}

func (r *running) followSize(ctx context.Context) {
	for size := range r.Sizes(ctx, r.size) {
		r.ask("window-change", ssh.Marshal(rfc4254.Window{
			Columns: uint32(size.Cols), Rows: uint32(size.Rows), Width: uint32(size.Width), Height: uint32(size.Height),
		}))
	}
}

// input copies the client's input to the far side, and its end.
func (r *running) input(ctx context.Context) {
	if r.TTY && r.Escape != 0 {
		send(r.channel, &escapes{running: r, ctx: ctx, lineStart: true})
		return
	}
	send(r.channel, r.Stdin)
}

// send copies to a channel until in ends or nobody takes more. An input that
// fails, as that of a terminal that has gone, has ended.
func send(channel ssh.Channel, in io.Reader) {
	if err := transfer(channel, in); !errors.Is(err, errDetached) {
		_ = channel.CloseWrite() // a channel that is closed needs no end
	}
}

// output copies what the far side writes. When the client takes no more the
// far side is told (chan_write_failed in nchan.c), and what still comes is
// read, or else nothing would come on the other stream either.
func (r *running) output(out io.WriteCloser, in io.Reader) {
	if err := transfer(out, in); err != nil {
		r.ask("eow@openssh.com", nil)
		_, _ = io.Copy(io.Discard, in) // it ends with the channel
	}
	_ = out.Close() // all is written
}

// onlyReader and onlyWriter keep io.CopyBuffer from going other ways.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

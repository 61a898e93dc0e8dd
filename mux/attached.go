package mux

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"sallyport/internal/brisk"
)

// client is one control connection of a server.
type client struct {
	server *server
	conn   socket
	work   sync.WaitGroup // sessions and stdio forwards
	out    sync.Mutex     // one answer at a time

	// Both are set by serve under server.mu.
	greeted, busy bool
}

// errHangUp ends a client that does not keep to the protocol, as mux.c does
// without a word.
var errHangUp = errors.New("the client does not keep to the protocol")

// serve serves a client that was greeted, until it hangs up or ctx ends.
func (c *client) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	if first, ok := c.introduce(ctx); ok {
		c.serveRequests(ctx, first)
	}
	brisk.CloseSoon(c.conn) // all was said
	c.work.Wait()
	c.server.mu.Lock()
	c.server.remove(c)
	c.server.mu.Unlock()
}

// introduce answers what comes before a request that takes its time, and returns
// that. It is not ok once the client is to be hung up on.
func (c *client) introduce(ctx context.Context) (first request, ok bool) {
	limit := time.Now().Add(c.server.limit)
	for {
		r, err := c.next(limit)
		if err != nil {
			return request{}, false
		}
		switch r.message.(type) {
		case *helloMsg, *aliveCheckMsg:
		default:
			return r, true
		}
		if c.handle(ctx, ctx, &r) != nil {
			return request{}, false
		}
		limit = time.Time{}
	}
}

// serveRequests answers requests, and learns of a client that vanishes while one
// is being served.
func (c *client) serveRequests(ctx context.Context, first request) {
	here, vanished := context.WithCancel(ctx)
	requests := make(chan request)
	read := make(chan struct{})
	go func() { // ends when the connection is closed
		defer close(read)
		defer close(requests)
		if !c.read(here, first, requests) {
			vanished() // what was asked for still gets its answer
		}
	}()
	for r, more := first, true; more; r, more = <-requests {
		err := c.handle(ctx, here, &r)
		r.drop()
		if err != nil {
			break
		}
	}
	vanished()
	brisk.CloseSoon(c.conn) // all was said
	<-read
}

// request is a message with the descriptors that came behind it.
type request struct {
	message message
	fds     []int
	err     error // of an unknown message, or of descriptors that did not come
}

// take hands the descriptors over.
func (r *request) take() []int {
	fds := r.fds
	r.fds = nil
	return fds
}

// drop closes the descriptors that nobody took.
func (r *request) drop() { closeAll(r.take()) }

// read passes on the requests behind one until the client hangs up, or until the
// connection is no longer its own: it then returns true.
func (c *client) read(ctx context.Context, before request, requests chan<- request) (proxy bool) {
	for {
		if _, proxy := before.message.(*proxyMsg); proxy {
			return true
		}
		r, err := c.next(time.Time{})
		if err != nil {
			return false
		}
		select {
		case requests <- r:
		case <-ctx.Done():
			r.drop()
			return false
		}
		before = r
	}
}

// next reads a request. It may begin at any time up to limit, but must then
// come without delay.
func (c *client) next(limit time.Time) (request, error) {
	if err := c.conn.SetReadDeadline(limit); err != nil {
		return request{}, err
	}
	m, err := readMessage(&begun{socket: c.conn, limit: c.server.limit})
	if errors.As(err, new(unknownError)) {
		return request{err: err}, nil
	}
	r := request{message: m}
	for range files(m) {
		fd, err := ReceiveFile(c.conn)
		if err != nil {
			r.drop()
			return request{message: m, err: err}, nil
		}
		r.fds = append(r.fds, fd)
	}
	return r, err
}

// files is how many descriptors follow a message.
func files(m message) int {
	switch m.(type) {
	case *newSessionMsg:
		return 3
	case *stdioForwardMsg:
		return 2
	}
	return 0
}

// begun limits the time of a message from its first byte on.
type begun struct {
	socket
	limit time.Duration
	yes   bool
}

func (b *begun) Read(p []byte) (int, error) {
	n, err := b.socket.Read(p)
	if n > 0 && !b.yes {
		b.yes = true
		err = errors.Join(err, b.SetReadDeadline(time.Now().Add(b.limit)))
	}
	return n, err
}

// handle serves one request, or starts to. It fails when the client is to be
// hung up on. Once the master ends it says nothing more: who asks whether it is
// alive because a session broke off must not hear that it is.
func (c *client) handle(master, ctx context.Context, r *request) error {
	if master.Err() != nil {
		return errHangUp
	}
	if !c.greeted {
		return c.greet(r.message)
	}
	h := c.server.handler
	switch m := r.message.(type) {
	case *aliveCheckMsg:
		return c.answer(&aliveMsg{m.Request, uint32(os.Getpid())})
	case *newSessionMsg:
		return c.openSession(ctx, m, r)
	case *stdioForwardMsg:
		return c.openStdioForward(ctx, m, r)
	case *openForwardMsg:
		return c.openForward(ctx, m)
	case *closeForwardMsg:
		return c.closeForward(ctx, m)
	case *stopListeningMsg:
		if !h.Confirm(ctx, Question{Kind: AskStop}) {
			return c.deny(m.Request)
		}
		return c.answerTo(m.Request, c.server.stopListening(ctx))
	case *terminateMsg:
		if !h.Confirm(ctx, Question{Kind: AskExit}) {
			return c.deny(m.Request)
		}
		defer h.Exit()
		return c.answerTo(m.Request, nil)
	case *proxyMsg:
		return c.proxy(ctx, m)
	case *infoMsg:
		return c.inform(ctx, m)
	}
	return c.unsupported(r)
}

// greet is for the first message, which must be a hello of the same version.
func (c *client) greet(m message) error {
	hello, ok := m.(*helloMsg)
	if !ok || hello.Version != version {
		return errHangUp
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.greeted = true
	return nil
}

// inform answers as mux_master_process_ext_info does.
func (c *client) inform(ctx context.Context, m *infoMsg) error {
	text, ok := c.server.handler.Info(ctx, m.What)
	if !ok {
		text = "info request type not supported"
	}
	return c.answer(&infoReplyMsg{m.Request, ok, text})
}

// unsupported answers what is no request of ours (mux_master_read_cb).
func (c *client) unsupported(r *request) error {
	var unknown unknownError
	switch m := r.message.(type) {
	case nil:
		errors.As(r.err, &unknown)
	case *helloMsg:
		return errHangUp
	default:
		unknown.kind = m.kind()
		unknown.request = *m.fields()[0].(*uint32) // all answers begin with a number
	}
	return c.answer(&failureMsg{unknown.request, "unsupported request"})
}

func (c *client) openForward(ctx context.Context, m *openForwardMsg) error {
	f, valid, err := m.forward()
	switch {
	case err != nil:
		return errHangUp
	case !valid:
		return c.answer(&failureMsg{m.Request, "Invalid forwarding request"})
	case !c.server.handler.Confirm(ctx, Question{Kind: AskForward, Forward: f}):
		return c.deny(m.Request)
	}
	port, err := c.server.handler.Forward(ctx, f)
	if err == nil && f.Type == Remote && m.ListenPort == 0 {
		return c.answer(&remotePortMsg{m.Request, uint32(port)})
	}
	return c.answerTo(m.Request, err)
}

func (c *client) closeForward(ctx context.Context, m *closeForwardMsg) error {
	f, _, err := m.forward()
	if err != nil {
		return errHangUp
	}
	return c.answerTo(m.Request, c.server.handler.CancelForward(ctx, f))
}

// proxy gives the connection to the handler.
func (c *client) proxy(ctx context.Context, m *proxyMsg) error {
	if !c.server.handler.Confirm(ctx, Question{Kind: AskSession}) {
		_ = c.deny(m.Request) // the client is hung up on in any case
		return errHangUp
	}
	if err := c.answer(&proxyOKMsg{m.Request}); err != nil {
		return err
	}
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	c.setBusy(true)
	return errors.Join(c.server.handler.Proxy(ctx, c.conn), errHangUp)
}

func (c *client) setBusy(busy bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.busy = busy
}

// deny answers what the user said no to.
func (c *client) deny(request uint32) error {
	return c.answer(&deniedMsg{request, "Permission denied"})
}

// answerTo answers a request that was served, with err or without.
func (c *client) answerTo(request uint32, err error) error {
	if err != nil {
		return c.answer(&failureMsg{request, err.Error()})
	}
	return c.answer(&okMsg{request})
}

func (c *client) answer(m message) error {
	c.out.Lock()
	defer c.out.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.server.limit)); err != nil {
		return err
	}
	return writeMessage(c.conn, m)
}

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"sallyport/sessions"
	"sallyport/transport"
)

// Protocol is what a session's connection is upgraded to.
const Protocol = "sallyport-session/4"

const (
	sessionsPath = "/v1/sessions"
	viewSuffix   = "/view"
	logSuffix    = "/log"
)

func sessionPath(id string) string { return sessionsPath + "/" + url.PathEscape(id) }

// ErrDetached is the end of a Terminal whose session goes on.
var ErrDetached = sessions.ErrDetached

// Terminal is the near end of a session.
type Terminal struct {
	conn  io.ReadWriteCloser
	in    io.Reader // of conn
	out   *FrameWriter
	host  string
	hello Hello

	how   Ready           // written by the reader before ready gets its value
	ready chan error      // gets one value: nil, or why it is not running
	begun chan struct{}   // closed when Attach takes the output
	over  <-chan struct{} // closed once the request has ended
	stop  func()          // ends the request
	ended chan struct{}   // closed when the reader has ended

	window *window // how much may be typed
	own    bool    // the session was begun for it

	stdout, stderr, warnings io.Writer // set before begun is closed

	lender Lender // nil for none

	exit sessions.Exit // written by the reader before ended is closed
	err  error         // likewise
}

func (c *Client) openTerminal(ctx context.Context, path string, request any, host string) (*Terminal, error) {
	// The request lives as long as the terminal, ctx only until it is ready.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stopWatching := context.AfterFunc(ctx, cancel)
	resp, err := c.send(own, http.MethodPost, path, request)
	if err != nil {
		stopWatching()
		cancel()
		return nil, err
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body.Close()
		cancel()
		return nil, &Error{Code: CodeInternal, Message: "the background process did not open a session: " + resp.Status}
	}
	t := &Terminal{
		conn:  conn,
		host:  host,
		in:    bufio.NewReaderSize(conn, 64<<10),
		out:   NewFrameWriter(conn),
		ready: make(chan error, 1),
		begun: make(chan struct{}),
		ended: make(chan struct{}),

		window: newWindow(),
		over:   own.Done(),
		stop:   func() { conn.Close(); cancel() },
	}
	kind, payload, err := ReadFrame(t.in, nil)
	if err == nil && kind == FrameHello {
		err = json.Unmarshal(payload, &t.hello)
	} else if err == nil {
		err = fmt.Errorf("the background process began a session with %q", byte(kind))
	}
	if err != nil {
		t.stop()
		return nil, err
	}
	context.AfterFunc(own, func() { conn.Close() })
	go t.read(stopWatching)
	return t, nil
}

// ID is sessions.Status.ID.
func (t *Terminal) ID() string { return t.hello.ID }

// Host is the host that was asked for.
func (t *Terminal) Host() string { return t.host }

// Name is sessions.Status.Name.
func (t *Terminal) Name() string { return t.hello.Name }

// Links are the IDs of the links on the way, first hop first: whose questions
// belong to this session.
func (t *Terminal) Links() []string { return t.hello.Links }

// PTY tells, after Ready, whether the far side gave the session a terminal.
func (t *Terminal) PTY() bool { return t.how.PTY }

// Kept tells, after Ready, whether the session outlives its viewers.
func (t *Terminal) Kept() bool { return t.how.Kept }

// Ready waits until the shell or command runs on the far side, or has failed;
// the error is an *Error. It is called once.
func (t *Terminal) Ready(ctx context.Context) error {
	select {
	case err := <-t.ready:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// WarnTo has ssh's warnings go to a log, if SessionRequest.Warn asked for that.
// It is called before Attach.
func (t *Terminal) WarnTo(log io.Writer) { t.warnings = log }

// Attach copies stdin to the session and its output to stdout and stderr until
// it ends. It is called once, after Ready. A read of stdin may outlive it.
func (t *Terminal) Attach(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (sessions.Exit, error) {
	t.stdout, t.stderr = stdout, stderr
	if t.warnings == nil {
		t.warnings = stderr
	}
	close(t.begun)
	defer context.AfterFunc(ctx, t.leave)()
	go t.send(stdin) // ends with stdin, or at its first read after the session
	<-t.ended
	t.stop()
	if ctx.Err() != nil {
		return t.exit, context.Cause(ctx)
	}
	return t.exit, t.err
}

// Resize tells the session the window's size.
func (t *Terminal) Resize(s sessions.Size) error { return t.out.WriteJSON(FrameResize, s) }

// Signal sends a signal to what runs, by name without SIG.
func (t *Terminal) Signal(name string) error { return t.out.Write(FrameSignal, []byte(name)) }

// Break sends a break to the far side's terminal.
func (t *Terminal) Break() error { return t.out.Write(FrameBreak, nil) }

// Unread tells the far side that nobody reads the output any more. What still
// comes is to be read all the same.
func (t *Terminal) Unread() error { return t.out.Write(FrameUnread, nil) }

// Inform has what is known of the connection come on standard error.
func (t *Terminal) Inform() error { return t.out.Write(FrameInform, nil) }

// Detach has Attach end with ErrDetached. A session that is not kept ends.
func (t *Terminal) Detach() error { return t.out.Write(FrameDetach, nil) }

// End ends the session, also one that is kept.
func (t *Terminal) End() error { return t.out.Write(FrameEnd, nil) }

// Close leaves the session. One that was begun for it ends, unless it is kept and
// was attached to.
func (t *Terminal) Close() error {
	select {
	case <-t.begun:
	default:
		if t.own {
			t.End() // fails only where it has ended
		}
	}
	t.stop()
	return nil
}

// send copies stdin as frames; an empty one is its end.
func (t *Terminal) send(stdin io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := stdin.Read(buf)
		for part := buf[:n]; len(part) > 0; {
			room := t.window.take(len(part))
			if room == 0 || t.out.Write(FrameStdin, part[:room]) != nil {
				return // the reader knows why
			}
			part = part[room:]
		}
		clear(buf[:n])
		if err != nil {
			t.out.Write(FrameStdin, nil) // if this fails, the session has ended
			return
		}
	}
}

// read takes the frames from the background process until the last one.
func (t *Terminal) read(stopWatching func() bool) {
	defer close(t.ended)
	defer t.window.close()
	running := false
	var buf []byte
	for {
		kind, payload, err := ReadFrame(t.in, buf)
		if err != nil {
			t.exit = sessions.Exit{Status: 255}
			t.err = &Error{Code: CodeNoDaemon, Message: "the background process has gone, and the session with it"}
			t.notReady(running, t.err)
			return
		}
		buf = payload
		switch kind {
		case FrameReady:
			running = true
			stopWatching()
			t.how = readyOf(payload)
			t.window.open(t.how.Window)
			t.ready <- nil
			select {
			case <-t.begun:
			case <-t.over: // nobody takes what came with it
				t.exit, t.err = sessions.Exit{Status: 255}, context.Canceled
				return
			}
		case FrameStdout:
			_, err = t.stdout.Write(payload)
		case FrameStderr:
			_, err = t.stderr.Write(payload)
		case FrameWarn:
			_, _ = t.warnings.Write(payload) // a log that cannot be written can tell nobody
		case FrameTaken:
			t.window.open(takenOf(payload))
		case FrameBorrow:
			err = t.lend()
		case FrameReturn:
			t.returned(payload)
		case FrameDetach:
			t.err = ErrDetached
			return
		case FrameExit:
			t.exit, t.err = exitOf(payload)
			t.notReady(running, failed(t.exit, t.err))
			return
		}
		if err != nil {
			t.exit, t.err = sessions.Exit{Status: 255}, err
			return
		}
	}
}

// notReady tells Ready, if it still waits, why the session will not run.
func (t *Terminal) notReady(running bool, err error) {
	if !running {
		t.ready <- err
	}
}

// failed is why a session ended before it ran.
func failed(exit sessions.Exit, err error) error {
	if err != nil {
		return AsError(err)
	}
	if exit.Failure != nil {
		return AsError(exit.Failure)
	}
	return AsError(&transport.Failure{Code: "closed", Message: "the session ended before it began"})
}

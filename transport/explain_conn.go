package transport

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"
)

// explainEnd is why a connection that was up ended. What broke a hop on the way
// ends all that goes over it, and is told of each.
func (c *Conn) explainEnd(err error) *Failure {
	if err == nil || ended(err) {
		if end := c.endBelow(); end != nil {
			return &Failure{Code: CodeClosed, Message: end.Message, Hop: end.Hop, Hint: end.Hint, At: end.At}
		}
	}
	f := &Failure{Code: CodeClosed, Hop: c.host, At: time.Now()}
	var errno syscall.Errno
	if c.master != nil {
		f.Message = fmt.Sprintf("the connection to %q was closed: %s", c.host, c.master.death())
	} else if _, message, ok := disconnect(err); ok {
		f.Message = fmt.Sprintf("%q ended the connection: %q", c.host, message)
	} else if err == nil || ended(err) {
		f.Message = fmt.Sprintf("the connection to %q was closed", c.host)
	} else if errors.As(err, &errno) {
		f.Message = fmt.Sprintf("the connection to %q broke: %v", c.host, errno)
	} else {
		f.Message = fmt.Sprintf("the connection to %q broke: %v", c.host, err)
	}
	f.Message = sayable(f.Message)
	return f
}

// endBelow is why the connection of the hop before ended, nil while it lives or
// if there is none.
func (c *Conn) endBelow() *Failure {
	if c.via == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lateness)
	defer cancel()
	if c.via.Outlives(ctx) == nil {
		return nil
	}
	end, _ := c.via.Err().(*Failure)
	return end
}

// explainDial is why the far side of c did not open a connection.
func (c *Conn) explainDial(ctx context.Context, address string, err error) error {
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return c.explainChannel(ctx, err)
	}
	f := &Failure{Hop: c.host, At: time.Now(), Cause: refused}
	f.Code, f.Message = channelRefusal(refused, address, c.host)
	if f.Code == CodeProhibited {
		f.Hint = "AllowTcpForwarding or PermitOpen of the server forbids it: ask its administrator"
	}
	f.Message = sayable(f.Message)
	return f
}

// explainSession is why c did not open a session.
func (c *Conn) explainSession(ctx context.Context, err error) error {
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return c.explainChannel(ctx, err)
	}
	f := &Failure{Code: CodeProhibited, Hop: c.host, At: time.Now()}
	f.Message = fmt.Sprintf("%q does not open a session: %q", c.host, refused.Message)
	f.Hint = "MaxSessions of the server may be reached: close another session on this host"
	if refused.Message == noFurtherSession {
		f.Message = fmt.Sprintf("%q opens no further session on this connection: MaxSessions of its sshd_config is reached; the login is good, and what is open goes on", c.host)
		f.Hint = "end a shell or a command there, which  sallyport sessions  lists, or log in once more: sallyport ssh -o ControlPath=none " + shellescape.Quote(c.host)
	}
	f.Message, f.Hint = sayable(f.Message), sayable(f.Hint)
	return f
}

// noFurtherSession is what sshd says where it has as many sessions as
// MaxSessions permits (server_request_session and server_input_channel_open in
// serverloop.c); the code of the reason is not the same in all versions.
const noFurtherSession = "open failed"

// explainChannel is for a channel that was not even refused: ctx ended, or
// the connection did.
func (c *Conn) explainChannel(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if end := c.Err(); end != nil {
		return end
	}
	return c.explainEnd(err)
}

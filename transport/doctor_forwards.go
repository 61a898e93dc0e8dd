package transport

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"sallyport/config"
)

// forwarding asks the far side for what the forwards of the configuration need.
// Whether anybody listens at their targets does not matter.
func (e *exam) forwarding(check) {
	if e.conn == nil || len(e.goal().Forwards()) == 0 {
		return
	}
	allowed := true
	for _, f := range e.goal().Forwards() {
		if err := e.forbidden(f); err != nil {
			allowed = false
			e.tell(Finding{Hop: e.Host, Outcome: Wrong, What: fmt.Sprintf("%s %s (%s): %s", f.Keyword, strings.TrimSpace(f.Listen+" "+f.Connect), f.Origin, err.Message), Fix: err.Hint})
		}
	}
	if allowed {
		e.tell(Finding{Hop: e.Host, Outcome: Healthy, What: "forwarding is allowed"})
	}
}

// forbidden is why the far side does not permit a forward, nil if it may.
func (e *exam) forbidden(f config.Forward) *Failure {
	if f.Keyword == "RemoteForward" {
		return e.cannotListen(f.Listen)
	}
	const discard = "127.0.0.1:9" // RFC 863
	switch {
	case strings.Contains(f.Connect, "/"):
		return e.cannotReach("unix", f.Connect)
	case e.cannotReach("tcp", discard) == nil:
		return nil
	case f.Connect == "":
		return e.cannotReach("tcp", discard)
	}
	return e.cannotReach("tcp", f.Connect) // PermitOpen may name it
}

// cannotReach asks for a connection from there.
func (e *exam) cannotReach(network, address string) *Failure {
	c, err := e.conn.Dial(e.ctx, network, address)
	if err == nil {
		c.Close()
	}
	return prohibited(err)
}

// cannotListen asks for a port there: for its own, which may be in use, and so
// for any other too. A path is not tried: a socket would be left there.
func (e *exam) cannotListen(listen string) *Failure {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		host, port = "localhost", listen
	}
	if strings.Contains(listen, "/") {
		return nil
	}
	refused := e.listens(host, port)
	if refused == nil || e.listens(host, "0") == nil {
		return nil
	}
	return refused
}

func (e *exam) listens(host, port string) *Failure {
	l, err := e.conn.Listen(e.ctx, "tcp", net.JoinHostPort(host, port))
	if err == nil {
		l.Close()
	}
	return prohibited(err)
}

// prohibited is a refusal by the settings of a server.
func prohibited(err error) *Failure {
	if f := (*Failure)(nil); errors.As(err, &f) && f.Code == CodeProhibited {
		return f
	}
	return nil
}

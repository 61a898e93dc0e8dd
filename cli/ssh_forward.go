package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"sallyport/api"
	"sallyport/transport"
	"sallyport/tunnels"
)

// wanted are the forwards of the command line and the configuration.
func (s *sshSession) wanted() ([]tunnels.Spec, error) {
	if s.yes("ClearAllForwardings") {
		return nil, nil
	}
	var specs []tunnels.Spec
	for _, f := range s.host.Forwards() {
		spec, err := api.ForwardSpec(f)
		if err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// openForwards opens what is wanted, for as long as this process lives. As
// with ssh one that fails ends everything only if ExitOnForwardFailure says
// so (ssh_init_forwarding of ssh.c).
func (s *sshSession) openForwards(ctx context.Context) error {
	specs, err := s.wanted()
	if err != nil {
		return s.fatal("%v", err)
	}
	var there []*tunnels.Tunnel
	here, opened := 0, 0
	for _, spec := range specs {
		if spec.Kind == tunnels.Remote {
			there = append(there, s.forwards.start(ctx, spec))
			continue
		}
		here++
		if s.listenHere(ctx, spec) {
			opened++
		}
	}
	switch {
	case opened < here && s.yes("ExitOnForwardFailure"):
		return s.fatal("Could not request local forwarding.")
	case opened == 0 && here > 0:
		s.log.say(logError, "Could not request local forwarding.")
	}
	return s.listenThere(ctx, there)
}

// listenHere opens a forward of this side and tells whether it has its port.
// ssh does not wait for a port that somebody else has.
func (s *sshSession) listenHere(ctx context.Context, spec tunnels.Spec) bool {
	s.log.say(logDebug, "Local connections to %s forwarded to remote address %s", spec.Listen, spec.Connect)
	err := s.forwards.settle(ctx, s.forwards.start(ctx, spec))
	if err == nil {
		return true
	}
	s.log.say(logError, "sallyport: %s", api.AsError(err).Message)
	s.log.say(logError, "%s", api.Printable(notListening(spec.Listen, err)))
	return false
}

// notListening is the line of unix_listener (misc.c) or of
// channel_setup_fwd_listener_tcpip (channels.c).
func notListening(on tunnels.Address, err error) string {
	var f *transport.Failure
	if !errors.As(err, &f) {
		f = new(transport.Failure)
	}
	switch {
	case on.Network == "unix" && f.Cause != nil:
		return fmt.Sprintf("unix_listener: cannot bind to path %s: %s", on.Path, strerror(f.Cause))
	case on.Network == "unix":
		return "unix_listener: cannot bind to path " + on.Path
	case errors.As(f.Cause, new(*net.DNSError)):
		return fmt.Sprintf("channel_setup_fwd_listener_tcpip: getaddrinfo(%s): Name or service not known", on.Host)
	}
	return fmt.Sprintf("channel_setup_fwd_listener_tcpip: cannot listen to port: %d", on.Port)
}

// listenThere waits for what the far side says of all its listeners, which
// were asked for together: ssh_confirm_remote_forward of ssh.c.
func (s *sshSession) listenThere(ctx context.Context, all []*tunnels.Tunnel) error {
	conn := s.forwards.conn
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with this function
		select {
		case <-conn.Done():
			cancel()
		case <-waiting.Done():
		}
	}()
	for _, t := range all {
		err := s.forwards.settle(waiting, t)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case waiting.Err() != nil:
			return s.broke(conn.Err())
		case err != nil && s.yes("ExitOnForwardFailure"):
			return s.fatal("Error: remote port forwarding failed for listen %s", listenPlace(t))
		case err != nil:
			s.log.say(logInfo, "Warning: remote port forwarding failed for listen %s", listenPlace(t))
		}
	}
	return nil
}

func listenPlace(t *tunnels.Tunnel) string {
	listen := t.Status().Spec.Listen
	if listen.Network == "unix" {
		return "path " + api.Printable(listen.Path)
	}
	return "port " + strconv.Itoa(listen.Port)
}

// forwardStdio joins standard input and output to a place behind the host: -W.
func (s *sshSession) forwardStdio(ctx context.Context, conn *transport.Conn) error {
	spec, err := tunnels.Parse(tunnels.Dynamic, s.call.stdio)
	if err != nil {
		return err
	}
	to := spec.Listen
	address := to.Path
	if to.Network == "tcp" {
		address = net.JoinHostPort(cmp.Or(to.Host, "localhost"), strconv.Itoa(to.Port))
	}
	far, err := conn.Dial(ctx, to.Network, address)
	if err != nil {
		return s.failed(ctx, err)
	}
	return s.pipe(ctx, conn, far)
}

// pipe copies both ways until both have ended: an end of input is passed on,
// and the last of the output still comes.
func (s *sshSession) pipe(ctx context.Context, conn *transport.Conn, far net.Conn) error {
	ends := make(chan error, 2) // room for both: they end with the process
	go func() {
		_, err := io.Copy(far, s.In)
		if c, ok := far.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite() // a far side that has ended needs no end
		}
		if errors.Is(err, io.EOF) { // of writing: the far side takes no more
			err = nil
		}
		ends <- err
	}()
	go func() {
		_, err := io.Copy(&output{w: s.Out}, far)
		ends <- err
	}()
	for range 2 {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-conn.Done():
			return s.broke(conn.Err())
		case err := <-ends:
			if err != nil {
				return err
			}
		}
	}
	return nil
}

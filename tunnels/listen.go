package tunnels

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"sallyport/transport"
)

// listen takes the port of a local forward on all its addresses, or says why
// not. An obstacle that is the same as before is returned as it was: who has
// the port is looked up once.
//
// Unlike ssh, which is content with any one address, it takes all that this
// machine has or none: half a port leads a browser to somebody else's page.
func listen(ctx context.Context, s Spec, before *obstacle) ([]net.Listener, *obstacle) {
	if s.Kind != Local {
		return nil, &obstacle{state: Failed, failure: unsupported(s)}
	}
	listeners, err := bind(ctx, s)
	switch {
	case err == nil:
		return listeners, nil
	case before != nil && before.errno == errno(err):
		return nil, before
	}
	return nil, explain(ctx, s, err)
}

func bind(ctx context.Context, s Spec) ([]net.Listener, error) {
	if s.Listen.Network == "unix" {
		l, err := bindUnix(ctx, s.Listen.Path)
		return []net.Listener{l}, err
	}
	hosts, err := addresses(ctx, s)
	if err != nil {
		return nil, err
	}
	return bindTCP(ctx, hosts, s.Listen.Port)
}

// bindTCP listens on every address of hosts that this machine has.
func bindTCP(ctx context.Context, hosts []string, port int) ([]net.Listener, error) {
	var listeners []net.Listener
	var missing error
	for _, host := range hosts {
		l, err := (&net.ListenConfig{}).Listen(ctx, family(host), net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case err == nil:
			listeners = append(listeners, l)
		case noAddress(err):
			missing = err
		default:
			closeAll(listeners)
			return nil, err
		}
	}
	if len(listeners) == 0 {
		return nil, missing
	}
	return listeners, nil
}

// addresses are those to listen on, by the rules of channel_fwd_bind_addr in
// channels.c: no host means loopback, unless GatewayPorts says everywhere,
// "localhost" both families of it, "*" everywhere.
func addresses(ctx context.Context, s Spec) ([]string, error) {
	switch host := s.Listen.Host; {
	case host == "*", host == "" && s.Gateway:
		return []string{"0.0.0.0", "::"}, nil
	case host == "", host == "localhost":
		return []string{"127.0.0.1", "::1"}, nil
	case net.ParseIP(host) != nil:
		return []string{host}, nil
	default:
		return net.DefaultResolver.LookupHost(ctx, host)
	}
}

// family keeps "::" from taking IPv4 as well (IPV6_V6ONLY), as ssh does.
func family(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.To4() != nil {
		return "tcp4"
	}
	return "tcp6"
}

// bindUnix listens on a socket that only its owner can connect to, as ssh by
// StreamLocalBindMask. A socket on which nobody listens any more is taken
// over: it is what a process leaves behind that was killed, and the tunnel
// must come back after that.
func bindUnix(ctx context.Context, path string) (net.Listener, error) {
	config := net.ListenConfig{Control: ownerOnly}
	l, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = config.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, 0o600)
}

// abandoned tells whether path is a socket that nobody listens on.
func abandoned(path string) bool {
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close() // it was only to see whether somebody is there
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close() // nobody has used it yet
	}
}

// noAddress tells whether this machine lacks the address or its family.
func noAddress(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

func errno(err error) syscall.Errno {
	var e syscall.Errno
	errors.As(err, &e)
	return e
}

// Supported says why a forward that can be read cannot be run, nil if it can.
// The error is a *transport.Failure.
func (s Spec) Supported() error {
	if s.Kind == Local {
		return nil
	}
	return unsupported(s)
}

func unsupported(s Spec) *transport.Failure {
	name := map[Kind]string{Remote: "remote", Dynamic: "dynamic"}[s.Kind]
	return &transport.Failure{
		Code:    "unsupported",
		Message: fmt.Sprintf("%s forwards are not supported yet", name),
		Hint:    fmt.Sprintf("use ssh -%s", s),
	}
}

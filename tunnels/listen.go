package tunnels

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"sallyport/internal/nss"
)

// listen takes the port of a local or dynamic forward on all its addresses,
// or says why not. An obstacle that is the same as before is returned as it
// was: who has the port is looked up once.
//
// Unlike ssh, which is content with any one address, it takes all that this
// machine has or none, unless AnyAddress says otherwise: half a port leads a
// browser to somebody else's page.
func listen(ctx context.Context, s Spec, o Options, before *obstacle) ([]net.Listener, *obstacle) {
	listeners, err := bind(ctx, s, o)
	if err == nil {
		return listeners, nil
	}
	cause := cause{errno: errno(err)}
	if cause.errno == syscall.EADDRINUSE && s.Listen.Network == "unix" {
		cause.squatter = squatterOf(s.Listen.Path)
	}
	if before != nil && before.cause == cause {
		return nil, before
	}
	return nil, explain(ctx, s, o, cause, err)
}

func bind(ctx context.Context, s Spec, o Options) ([]net.Listener, error) {
	if s.Listen.Network == "unix" {
		l, err := bindUnix(ctx, s.Listen.Path, o)
		return []net.Listener{l}, err
	}
	hosts, err := addresses(ctx, s, o)
	if err != nil {
		return nil, err
	}
	return bindTCP(ctx, hosts, s.Listen.Port, o)
}

// bindTCP listens on every address of hosts that this machine has, or where
// any is enough on those that are free.
func bindTCP(ctx context.Context, hosts []string, port int, o Options) ([]net.Listener, error) {
	var listeners []net.Listener
	var missing error
	for _, host := range hosts {
		l, err := (&net.ListenConfig{KeepAlive: keepAlive(host)}).Listen(ctx, family(host), net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case err == nil:
			listeners = append(listeners, l)
		case noAddress(err):
			missing = cmp.Or(missing, err)
		case o.AnyAddress:
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

// keepAlive is for who connects from elsewhere and may vanish. A client of this
// machine cannot, and the settings would cost each four calls.
func keepAlive(host string) time.Duration {
	if net.ParseIP(host).IsLoopback() {
		return -1
	}
	return 0
}

// addresses are those to listen on, by the rules of channel_fwd_bind_addr in
// channels.c: no host means loopback, unless GatewayPorts says everywhere,
// "localhost" both families of it, "*" everywhere.
func addresses(ctx context.Context, s Spec, o Options) ([]string, error) {
	var all []string
	switch host := s.Listen.Host; {
	case host == "*", host == "" && o.Gateway:
		all = []string{"0.0.0.0", "::"}
	case host == "", host == "localhost":
		all = []string{"127.0.0.1", "::1"}
	case net.ParseIP(host) != nil:
		all = []string{host}
	default:
		found, err := nss.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			all = append(all, a.String())
		}
	}
	all = slices.DeleteFunc(all, func(a string) bool { return !o.Family.has(net.ParseIP(a)) })
	if len(all) == 0 {
		return nil, os.NewSyscallError("bind", syscall.EADDRNOTAVAIL) // as getaddrinfo has none
	}
	return all, nil
}

// family keeps "::" from taking IPv4 as well (IPV6_V6ONLY), as ssh does.
func family(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.To4() != nil {
		return "tcp4"
	}
	return "tcp6"
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

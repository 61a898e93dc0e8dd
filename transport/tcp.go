package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"sallyport/config"
	"sallyport/internal/nss"
)

// tcpWay is one way to try an address: a family, from an address of ours.
type tcpWay struct {
	network string
	from    *net.TCPAddr // nil for the system's choice
}

// dialTCP connects from here as the configuration says. Addresses of both
// families are tried side by side (RFC 8305); ssh tries them in a row.
func dialTCP(ctx context.Context, h *config.Host, told tracer) (net.Conn, error) {
	ways, err := tcpWays(ctx, h)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{KeepAlive: -1, Control: announced(h, told, prepared(qosOf(h).markSocket))}
	if v := h.Get("TCPKeepAlive"); v != "no" && v != "false" { // the latter since OpenSSH 10.6
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}
	}
	for left := attempts(h); ; {
		conn, err := dialOnce(ctx, d, ways, hostPort(h), told)
		left--
		switch {
		case err == nil:
			told.say(1, "Connection established.")
			return conn, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case left == 0:
			return nil, err
		}
		select {
		case <-time.After(betweenAttempts):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// announced tells of each address that is tried.
func announced(h *config.Host, told tracer, control func(network, address string, raw syscall.RawConn) error) func(network, address string, raw syscall.RawConn) error {
	return func(network, address string, raw syscall.RawConn) error {
		if ip, _, err := net.SplitHostPort(address); err == nil {
			told.say(1, "Connecting to %s [%s] port %d.", h.HostName(), ip, h.Port())
		}
		return control(network, address, raw)
	}
}

// betweenAttempts is how long ssh rests before it tries to connect again.
const betweenAttempts = time.Second

// attempts is how often a connection is tried.
func attempts(h *config.Host) int { return max(1, number(h, "ConnectionAttempts")) }

// dialOnce tries each way. The error is that of the last one that led
// anywhere: a host need not have an address of every family.
func dialOnce(ctx context.Context, d net.Dialer, ways []tcpWay, address string, told tracer) (net.Conn, error) {
	var first error
	for _, way := range ways {
		if way.from != nil {
			d.LocalAddr = way.from // an interface, which a nil pointer would fill
		}
		conn, err := nss.Dial(ctx, d, way.network, address)
		if err == nil {
			return conn, nil
		}
		tellRefused(told, err)
		if none := new(net.AddrError); first == nil || !errors.As(err, &none) {
			first = err
		}
	}
	return nil, first
}

// tellRefused says why an address could not be connected to.
func tellRefused(told tracer, err error) {
	var op *net.OpError
	var errno syscall.Errno
	if !errors.As(err, &op) || !errors.As(err, &errno) {
		return
	}
	if to, ok := op.Addr.(*net.TCPAddr); ok {
		told.say(1, "connect to address %s port %d: %s", to.IP, to.Port, Strerror(errno))
	}
}

// Strerror is strerror(3).
func Strerror(errno syscall.Errno) string {
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// tcpWays are the families that AddressFamily permits, and where BindAddress
// or BindInterface bind the near end in each (sshconnect.c ssh_create_socket).
func tcpWays(ctx context.Context, h *config.Host) ([]tcpWay, error) {
	network := map[string]string{"inet": "tcp4", "inet6": "tcp6"}[h.Get("AddressFamily")]
	if network == "" {
		network = "tcp"
	}
	var ours []netip.Addr
	var err error
	keyword := "BindAddress"
	if bind := given(h, keyword); bind != "" {
		ours, err = nss.LookupNetIP(ctx, "ip"+network[len("tcp"):], bind)
	} else if keyword = "BindInterface"; given(h, keyword) != "" {
		ours, err = interfaceIPs(given(h, keyword), network)
	} else {
		return []tcpWay{{network: network}}, nil
	}
	if err != nil {
		f := refusal(h, keyword, fmt.Sprintf("%s %q is no address of this machine: %v", keyword, given(h, keyword), err))
		f.Cause = bindError(keyword, given(h, keyword))
		return nil, f
	}
	return boundWays(ours), nil
}

// BindError is what ssh says of an address or interface that a connection
// cannot begin at (ssh_create_socket, sshconnect.c).
type BindError string

func (e BindError) Error() string { return string(e) }

func bindError(keyword, value string) BindError {
	if keyword == "BindInterface" {
		return BindError(fmt.Sprintf("getifaddrs: %s: no suitable addresses", value))
	}
	return BindError(fmt.Sprintf("getaddrinfo: %s: Name or service not known", value))
}

// boundWays takes the first address of each family.
func boundWays(ours []netip.Addr) []tcpWay {
	var ways []tcpWay
	seen := map[string]bool{}
	for _, ip := range ours {
		network := "tcp6"
		if ip.Is4() {
			network = "tcp4"
		}
		if !seen[network] {
			seen[network] = true
			ways = append(ways, tcpWay{network, net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))})
		}
	}
	return ways
}

// interfaceIPs are the addresses of an interface that are in the families
// wanted: those that reach beyond the link and this machine first, as
// sshconnect.c check_ifaddrs chooses.
func interfaceIPs(name, network string) ([]netip.Addr, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	addrs, err := iface.Addrs()
	if err != nil {
		return nil, err
	}
	var far, near []netip.Addr
	for _, a := range addrs {
		n, err := netip.ParsePrefix(a.String())
		if err != nil || network != "tcp" && n.Addr().Is4() != (network == "tcp4") {
			continue
		}
		if ip := n.Addr(); ip.IsLinkLocalUnicast() || ip.IsLoopback() {
			near = append(near, ip)
		} else {
			far = append(far, ip)
		}
	}
	if len(far)+len(near) == 0 {
		return nil, errors.New("it has no address of the family wanted")
	}
	return append(far, near...), nil
}

package transport

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"sallyport/config"
)

// dialTCP connects from here as the configuration says. Addresses of both
// families are tried side by side (RFC 8305); ssh tries them in a row.
func dialTCP(ctx context.Context, h *config.Host) (net.Conn, error) {
	network := map[string]string{"inet": "tcp4", "inet6": "tcp6"}[h.Get("AddressFamily")]
	if network == "" {
		network = "tcp"
	}
	d := net.Dialer{KeepAlive: -1}
	if h.Get("TCPKeepAlive") != "no" {
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4}
	}
	local, err := localAddress(ctx, h, network)
	if err != nil {
		return nil, err
	}
	if local != nil {
		d.LocalAddr = local
	}
	return dialRepeatedly(ctx, d, network, hostPort(h), h.Get("ConnectionAttempts"))
}

// dialRepeatedly makes ConnectionAttempts tries, a second apart as ssh does.
func dialRepeatedly(ctx context.Context, d net.Dialer, network, address, attempts string) (net.Conn, error) {
	n, err := strconv.Atoi(attempts)
	if err != nil || n < 1 {
		n = 1
	}
	for {
		conn, err := d.DialContext(ctx, network, address)
		n--
		if err == nil || n == 0 || ctx.Err() != nil {
			if err != nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return conn, err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// localAddress is where BindAddress or BindInterface bind the near end, nil
// for neither.
func localAddress(ctx context.Context, h *config.Host, network string) (*net.TCPAddr, error) {
	if bind := given(h, "BindAddress"); bind != "" {
		ip, err := lookUp(ctx, network, bind)
		if err != nil {
			return nil, refusal(h, "BindAddress", fmt.Sprintf("BindAddress %q is no address of this machine: %v", bind, err))
		}
		return &net.TCPAddr{IP: ip}, nil
	}
	if name := given(h, "BindInterface"); name != "" {
		ip, err := interfaceIP(name, network)
		if err != nil {
			return nil, refusal(h, "BindInterface", fmt.Sprintf("BindInterface %q: %v", name, err))
		}
		return &net.TCPAddr{IP: ip}, nil
	}
	return nil, nil
}

func lookUp(ctx context.Context, network, name string) (net.IP, error) {
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip"+network[len("tcp"):], name)
	if err != nil {
		return nil, err
	}
	return ips[0], nil
}

// interfaceIP is the first address of an interface in the family wanted that
// reaches beyond the link, as sshconnect.c check_ifaddrs chooses.
func interfaceIP(name, network string) (net.IP, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	addrs, err := iface.Addrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLinkLocalUnicast() {
			continue
		}
		is4 := n.IP.To4() != nil
		if network == "tcp" || is4 == (network == "tcp4") {
			return n.IP, nil
		}
	}
	return nil, fmt.Errorf("it has no address of the family wanted")
}

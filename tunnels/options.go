package tunnels

import (
	"io/fs"
	"net"
	"strconv"
	"strings"

	"sallyport/config"
)

// Options are what ssh_config(5) says about all forwards of a host. The zero
// value is ssh's default.
type Options struct {
	Gateway bool        // GatewayPorts yes: a Listen without host is on all addresses; ssh -g
	Family  Family      // AddressFamily: of what is listened on and connected to here
	Mode    fs.FileMode // of sockets, by StreamLocalBindMask; 0 for 0600
	Unlink  bool        // StreamLocalBindUnlink yes: whatever has the path of a socket makes way
	Permit  []string    // PermitRemoteOpen: "host:port" that a remote SOCKS proxy leads to; nil for any

	// AnyAddress says that one of the addresses of Listen is enough, as for ssh.
	AnyAddress bool

	// Reclaim says that the forward was open before: a socket on which nobody
	// listens any more is what an earlier process of ours has left, and is
	// taken over.
	Reclaim bool

	// Complain hears of each connection that is not served or breaks, with its
	// Failure, at once and from several goroutines; nil for nobody.
	Complain func(Connection)

	// Once is the first value of SetOnce.
	Once bool

	// Inherited are the listeners of a local or dynamic forward that another
	// process of ours has handed over; the tunnel closes them.
	Inherited []net.Listener
}

// Family is that of addresses as package net names it.
type Family string

const (
	AnyFamily Family = ""
	IPv4      Family = "4"
	IPv6      Family = "6"
)

// OptionsOf reads the options of a host.
func OptionsOf(h *config.Host) Options {
	return Options{
		Gateway: h.Get("GatewayPorts") == "yes",
		Family:  map[string]Family{"inet": IPv4, "inet6": IPv6}[h.Get("AddressFamily")],
		Mode:    socketMode(h.Get("StreamLocalBindMask")),
		Unlink:  h.Get("StreamLocalBindUnlink") == "yes",
		Permit:  permits(h.All("PermitRemoteOpen")),
	}
}

// socketMode is what a mask, in octal digits, leaves of a new socket's mode.
func socketMode(mask string) fs.FileMode {
	bits, err := strconv.ParseUint(mask, 8, 9)
	if err != nil {
		return 0 // config has refused what is no mask
	}
	return 0o777 &^ fs.FileMode(bits)
}

// permits are the words of PermitRemoteOpen; nil for "any".
func permits(words []string) []string {
	if len(words) == 0 || strings.EqualFold(words[0], "any") {
		return nil
	}
	return words
}

// permitted tells whether a remote SOCKS proxy may lead to an address
// (open_match of channels.c). "none" is no address, so it permits nothing.
func (o Options) permitted(to Address) bool {
	if o.Permit == nil {
		return true
	}
	for _, word := range o.Permit {
		host, port, err := net.SplitHostPort(word)
		if err != nil || host != "*" && host != to.Host {
			continue
		}
		if n, err := parsePort(port, 1); port == "*" || err == nil && n == to.Port {
			return true
		}
	}
	return false
}

// has tells whether an address is of the family.
func (f Family) has(ip net.IP) bool {
	return f == AnyFamily || (ip.To4() != nil) == (f == IPv4)
}

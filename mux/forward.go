package mux

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// ForwardType is the direction of a forward, MUX_FWD_* of mux.c.
type ForwardType uint32

const (
	Local   ForwardType = 1
	Remote  ForwardType = 2
	Dynamic ForwardType = 3
)

func (t ForwardType) String() string {
	switch t {
	case Local:
		return "local"
	case Remote:
		return "remote"
	case Dynamic:
		return "dynamic"
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// streamLocal is the port of an address that is the path of a unix socket:
// PORT_STREAMLOCAL (-2) of channels.h.
const streamLocal = 0xfffffffe

// Address is one end of a forward: a host and a port, or the path of a unix
// socket. To listen, an empty host is the default (the loopback addresses,
// unless GatewayPorts says otherwise) and "*" all addresses.
type Address struct {
	Host string
	Port int
	Path string
}

func (a Address) String() string {
	if a.Path != "" {
		return a.Path
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// Network is "unix" or "tcp", as net.Dial has it.
func (a Address) Network() string {
	if a.Path != "" {
		return "unix"
	}
	return "tcp"
}

// Forward is what openForwardMsg and closeForwardMsg are about.
type Forward struct {
	Type    ForwardType
	Listen  Address
	Connect Address // of a SOCKS server, see Socks: Host "socks", Port 0
}

// Socks tells whether the clients of the forward say themselves where to: a
// dynamic forward, or a remote one with the far side's clients doing so. The
// connect host is then "socks" (parse_forward in readconf.c).
func (f Forward) Socks() bool {
	return f.Type == Dynamic || f.Type == Remote && f.Connect == socks
}

var socks = Address{Host: "socks"}

func (f Forward) String() string {
	if f.Socks() {
		return fmt.Sprintf("%s forward %s -> *", f.Type, f.Listen)
	}
	return fmt.Sprintf("%s forward %s -> %s", f.Type, f.Listen, f.Connect)
}

// message is the forward on the wire. That of a dynamic one has "socks" as
// the host, without which ssh -O cancel -D would not find it.
func (f Forward) message() forwardFields {
	if f.Type == Dynamic {
		f.Connect = socks
	}
	m := forwardFields{Type: uint32(f.Type)}
	m.ListenHost, m.ListenPort = f.Listen.wire()
	m.ConnectHost, m.ConnectPort = f.Connect.wire()
	return m
}

func (a Address) wire() (host string, port uint32) {
	if a.Path != "" {
		return a.Path, streamLocal
	}
	return a.Host, uint32(a.Port)
}

// errPort is a message that mux.c hangs up on.
var errPort = errors.New("a port above 65535")

func address(host string, port uint32) (Address, error) {
	switch {
	case port == streamLocal:
		return Address{Path: host}, nil
	case port > 65535:
		return Address{}, errPort
	}
	return Address{Host: host, Port: int(port)}, nil
}

// forward reads the message. valid is false for what mux.c answers with
// "Invalid forwarding request".
func (m forwardFields) forward() (f Forward, valid bool, err error) {
	f.Type = ForwardType(m.Type)
	if f.Listen, err = address(m.ListenHost, m.ListenPort); err != nil {
		return f, false, err
	}
	if f.Connect, err = address(m.ConnectHost, m.ConnectPort); err != nil {
		return f, false, err
	}
	return f, f.valid(m), nil
}

func (f Forward) valid(m forwardFields) bool {
	if m.ListenPort == streamLocal && m.ListenHost == "" {
		return false
	}
	switch f.Type {
	case Dynamic:
		return m.ListenPort != streamLocal
	case Local:
		return m.ConnectPort != 0 && m.ConnectHost != ""
	case Remote:
		return m.ConnectHost != ""
	}
	return false
}

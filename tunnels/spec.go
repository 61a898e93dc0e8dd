package tunnels

import (
	"net"
	"strconv"
	"strings"
)

// Kind is what ssh calls the forward: -L, -R or -D.
type Kind string

const (
	Local   Kind = "L"
	Remote  Kind = "R"
	Dynamic Kind = "D"
)

// Address is one end of a forward.
type Address struct {
	Network string `json:"network"` // "tcp" or "unix"
	Host    string `json:"host"`    // of tcp; "" listens on loopback (or as GatewayPorts says), "*" everywhere
	Port    int    `json:"port"`    // of tcp; 0 has the far side choose
	Path    string `json:"path"`    // of unix
}

// Spec is what a forward should do.
type Spec struct {
	Kind    Kind    `json:"kind"`
	Listen  Address `json:"listen"`
	Connect Address `json:"connect"` // zero for a SOCKS proxy, here or at the far side
}

// String is the address as ssh -L takes it.
func (a Address) String() string {
	switch {
	case a.Network == "unix":
		return escape(a.Path, `\:`)
	case a.Host == "":
		return strconv.Itoa(a.Port)
	}
	return quoteHost(a.Host) + ":" + strconv.Itoa(a.Port)
}

// String is the forward in one stable form, "L 8080 → targaryen:8080" without
// the arrow: "L 8080:targaryen:8080". Parse(kind, ...) reads what follows the
// kind.
func (s Spec) String() string { return string(s.Kind) + " " + s.argument() }

// argument is what follows the kind, as ssh takes it.
func (s Spec) argument() string {
	listen := s.Listen.String()
	switch {
	case s.Connect == (Address{}):
		return listen
	case s.Connect.Network == "tcp" && s.Connect.Host == "":
		return listen + "::" + s.Connect.String() // ssh takes a target without a host
	}
	return listen + ":" + s.Connect.String()
}

// Same tells that two targets are one to the far side: its "localhost" is the
// 127.0.0.1 on which a program says that it listens.
func (a Address) Same(b Address) bool {
	const loopback = "127.0.0.1"
	for _, end := range []*Address{&a, &b} {
		if strings.EqualFold(end.Host, "localhost") {
			end.Host = loopback
		}
	}
	return a == b
}

// dialled is the address as package net takes it.
func (a Address) dialled() string {
	if a.Network == "unix" {
		return a.Path
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
}

// quoteHost writes a host so that it stays one field: in brackets where it
// has colons, as IPv6 addresses do, else with what means something escaped. A
// slash would make a path of it.
func quoteHost(host string) string {
	if strings.Contains(host, ":") && !strings.ContainsAny(host, `]/`) {
		return "[" + host + "]"
	}
	return escape(host, `\:/`)
}

// escape puts a backslash before each of special, before white space, which
// would part two words, and before a bracket that opens the field.
func escape(field, special string) string {
	var b strings.Builder
	for i := range len(field) {
		if c := field[i]; strings.IndexByte(special, c) >= 0 || isSpace(c) || i == 0 && c == '[' {
			b.WriteByte('\\')
		}
		b.WriteByte(field[i])
	}
	return b.String()
}

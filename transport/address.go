package transport

import (
	"net"
	"strconv"

	"sallyport/config"
)

// Address is "user@host:port" of a host, an IPv6 address in brackets.
func Address(h *config.Host) string {
	return h.User() + "@" + net.JoinHostPort(h.HostName(), strconv.Itoa(h.Port()))
}

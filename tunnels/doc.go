// Package tunnels runs port forwards on a link: it owns the listener and the
// copying, and asks the link for a connection whenever a client comes.
//
// A tunnel keeps its listener while the link is away: the port is never given
// to somebody else, and a client that connects meanwhile waits. Each way of a
// connection is closed on its own: the end of input here is CloseWrite there.
//
// References: RFC 4254 section 7; ssh_config(5) LocalForward.
package tunnels

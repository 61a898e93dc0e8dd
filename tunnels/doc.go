// Package tunnels runs port forwards on a link: it owns the listener and the
// copying, and asks the link for a connection whenever a client comes.
//
// A tunnel keeps its listener while the link is away: the port is never given
// to somebody else, and a client that connects meanwhile waits. Each way of a
// connection is closed on its own: the end of input here is CloseWrite there.
//
// Who listens and who connects depends on the kind:
//
//	-L  we listen, the far side connects to the target
//	-D  we listen, the far side connects to where the client asks us to, by SOCKS
//	-R  the far side listens, we connect to the target, or to where the client
//	    asks us to. A new connection has to ask for the listener again
//
// References: RFC 4254 section 7; RFC 1928; ssh_config(5) LocalForward,
// RemoteForward and DynamicForward; channels.c of OpenSSH.
package tunnels

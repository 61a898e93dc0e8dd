// Package transport turns a host of the configuration into a chain of hops
// and the chain into an authenticated, supervised connection.
//
// A Link is one hop: it stands on the network, on a ProxyCommand, or on the
// link of the hop before it, so hosts behind one bastion share the bastion's
// link. It is the only place that reconnects; whoever uses a link asks it for
// a Conn and waits.
//
//	         Conn, Open                     authenticated
//	down ------------------> connecting ----------------------> up
//	 ^                        |  ^    ^                          |
//	 | Close, idle            |  |    '------ asking <-.         | broken
//	 |                        |  |            (a person)         v
//	 '--- failed <------------'  '----------------------------- waiting
//	      refused: never retried by itself          retried, with jitter
//
// A changed host key, a refused login and a configuration that could not be
// understood end in failed. Nothing is ever dialled direct because a
// ProxyJump, ProxyCommand or Match was not understood, and no host-key check
// is ever skipped.
//
// References: RFC 4251 to 4254; ssh_config(5); sshconnect.c, sshconnect2.c
// and hostfile.c of OpenSSH.
package transport

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
// A changed host key, a refused login, a question that was not answered and a
// configuration that could not be understood end in failed: only Open leads
// on. A host that could not be reached ends there too at the first dial, as
// ssh does, and the next Conn tries again; but a link that was up and has
// users (Hold), or one that somebody keeps (Keep), waits and is tried again:
// at once, then in growing pauses of at most 5 s, and at once whenever
// somebody calls Conn. Open is a person: what was opened is dialled to its
// end even if nobody waits. Without users, a link that isn't up goes down as
// soon as nobody waits for it, and one that is up after ten idle minutes.
//
// A link holds the one before it, from the beginning of a dial until it is
// down or failed; it keeps it if it would itself be tried again, so that a
// whole chain outlives a night without network. Nothing is ever dialled direct because a
// ProxyJump, ProxyCommand or Match was not understood, and no host-key check
// is ever skipped.
//
// A secret goes from the person to its one use and is wiped. What the person
// wants kept stays with the link, out of swap and core files, until the link
// is down or failed; it answers the same question in the same words only, and
// never one for a code. A key's passphrase is shared by the hops of a chain
// while they are dialled: it is not sent anywhere.
//
// Where a live master of the user's listens on a hop's ControlPath, its
// connection is used, as ssh does: it is shared. Nobody is asked anything then,
// nor on the hops before it, which are not dialled. It ends with that master,
// and the next dial is made without it; the master goes on without us.
//
// Else a connection is made by us with x/crypto/ssh: it is native. Where that cannot
// do what the configuration, or the server, demands, OpenSSH itself is started
// as a master and lends us its connection over its control socket: it is lent.
// Its questions are put to the same person, and it speaks through the links
// before it, so that nobody logs in to a bastion twice. The demands are a table
// (demand.go); where ssh is missing they are refused, never passed over.
//
// References: RFC 4251 to 4256, 4462, 4121 and 8332; ssh_config(5);
// sshconnect.c, sshconnect2.c and hostfile.c of OpenSSH; PROTOCOL.mux.
package transport

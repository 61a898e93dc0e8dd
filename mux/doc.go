// Package mux is OpenSSH's connection sharing: the protocol that ssh and its
// ControlMaster speak on a ControlPath, for both sides.
//
// A Client attaches to a master, be it OpenSSH's or ours: sessions and stdio
// forwards by passing descriptors, which all versions know; everything else
// that ssh -O can ask for; and proxy mode (OpenSSH 7.4 and newer). Aboard makes
// an ssh.Conn of the first two. Serve is a master for the real ssh, scp, sftp
// and their like: it speaks the protocol, and a Handler does what is asked for.
// Channels is the part of a Handler that needs an SSH connection only.
//
// The protocol rules that shape the code:
//   - Descriptors come right behind the message that they belong to, each with
//     one byte of its own. A read that takes a byte too many loses them, so
//     messages are read to the byte.
//   - A master keeps three descriptors of somebody else's. Each is closed on
//     every way out, and nothing waits in a read or write on them: see stream.
//   - A client trusts EXIT_MESSAGE and then waits for the end of the control
//     connection.
//
// References: PROTOCOL.mux, mux.c, clientloop.c and channels.c of OpenSSH.
// Where PROTOCOL.mux and mux.c differ, mux.c is what speaks on the wire.
package mux

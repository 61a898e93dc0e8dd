// Package sessions runs shells, commands and subsystems on a link, with what
// a session may bring along: a terminal, the caller's agent, the caller's X
// display.
//
// Agents and displays belong to sessions, but the far side opens its channels
// on the connection, which sessions share. A channel of X11 names its session
// by the cookie that it was given. One of the agent names nobody: it gets the
// agent of the latest session that forwards one and still runs. With none it
// is refused. This differs from a ControlMaster of OpenSSH, which serves its
// own agent to all for as long as it lives; sshd, as there, makes its socket
// once per connection and shows it to every session that starts later.
//
// References: RFC 4254 sections 6 and 8, RFC 4335 (break), PROTOCOL section
// 3 of OpenSSH (auth-agent@openssh.com); session.c, clientloop.c, channels.c
// and ssh.c of OpenSSH.
package sessions

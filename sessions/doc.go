// Package sessions runs terminals and commands on a link.
//
// References: RFC 4254 section 6; session.c and clientloop.c of OpenSSH.
package sessions

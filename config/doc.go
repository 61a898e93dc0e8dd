// Package config reads OpenSSH client configuration as ssh does and says
// where each value came from.
//
// The rules are those of readconf.c: the user's file before the system's, the
// first value of a keyword wins, Include stands where it is written, and a
// file that ssh would refuse is refused, with its message. Drawing never
// executes: Match exec, canonicalization and everything else that runs a
// program or asks the network happens only when Match.Execute says so.
//
// References: ssh_config(5); readconf.c and misc.c of OpenSSH.
package config

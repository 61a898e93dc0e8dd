// Package daemon is the background process: it owns links, tunnels and
// sessions, and tells everybody about them.
//
//	links, tunnels, sessions --Notify--> hub (one goroutine owns the Snapshot)
//	                                      |  numbers and publishes
//	Asker.Ask --question--> hub           v
//	     ^                            watchers, each with a bounded queue
//	     '------ answer ------ server <--- clients on the unix socket
//
// The socket is in a directory that nobody else can reach, and the uid at its
// other end is checked as well.
package daemon

// Package api is the wire between Sallyport's own processes: what the
// background process tells (Snapshot, Event), what it is asked to do (Client),
// and the terms in which it fails (Error). It also gives readers of the
// configuration the view that the screen and the listings share (Inventory).
//
// The wire is HTTP and JSON on a unix socket, so that
//
//	curl --unix-socket $XDG_RUNTIME_DIR/sallyport/daemon.sock http://sallyport/v1/snapshot
//
// can debug it. Unknown fields are ignored and unknown codes are shown, so
// that processes of neighbouring versions understand each other.
package api

// Package again has a command that was run before go over the same connection
// at once: before the libraries of the program are set up, which takes more
// time than all the rest. git, rsync and scripts run ssh many times with the
// same words.
//
// A run of "sallyport ssh" that went over a control socket leaves a [Recipe]:
// the socket, the request that it made there, and what the request came from.
// The next run with the same words, in the same environment and directory,
// whose files are still as they were, makes the request itself, as the client
// of mux.c does, by the initialization of this package. In any other case, and
// where the master refuses, the program starts as always and finds its way by
// itself: nothing has happened until then.
//
// It must import next to nothing: see package start.
package again

// Recipe is what a run leaves for the next. All in it is for the same user.
type Recipe struct {
	// Files and directories that the meaning of the words depends on. One that
	// is missing must stay so.
	Files []string
	// Socket is that of the master.
	Socket string
	// Before is the request up to the words of the command, without its length.
	Before []byte
	// Env is the environment that goes with it: "$NAME" of our own, whose value
	// may be a secret and is not kept, or "=NAME=value".
	Env []string
	// Lost is what is said if the master ends before the command.
	Lost string
}

// Dir is where recipes are in XDG_RUNTIME_DIR. Without that variable there are
// none.
const Dir = "/sallyport/again/"

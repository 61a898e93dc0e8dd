package cli

import (
	"os"

	"sallyport/transport"
)

// helper is this program under the names by which an ssh that lends us a link
// calls it: to ask a question, or for the connection to speak through.
func helper(args []string) (work func() error, ok bool) {
	run := transport.Helper(os.Args[0])
	return func() error { return run(args, os.Stdout) }, run != nil
}

package cli

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"sallyport/api"
	"sallyport/transport"
)

// touches tells the person each time that a link waits for a touch of a
// security key, if standard error is a terminal: notify_start of readpass.c.
type touches struct {
	mu    sync.Mutex      // guards asked
	asked map[string]bool // by link
}

// see looks at a link.
func (t *touches) see(l api.Link) {
	key, asks := touchedKey(l)
	t.mu.Lock()
	defer t.mu.Unlock()
	if asks && !t.asked[l.ID] && term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintf(os.Stderr, "Confirm user presence for key %s\r\n", key)
	}
	if t.asked == nil {
		t.asked = map[string]bool{}
	}
	t.asked[l.ID] = asks
}

// touchedKey is the key that a link waits for.
func touchedKey(l api.Link) (key string, asks bool) {
	step, asks := strings.CutSuffix(l.Step, transport.TouchStep)
	return strings.TrimPrefix(step, "publickey "), asks
}

package cli

import (
	"io"
	"sync"

	"sallyport/api"
)

// waits tells once that a connection is waited for which was lost: it is tried
// again for as long as a tunnel or a shell uses it, without another word.
type waits struct {
	out io.Writer

	mu   sync.Mutex // guards told
	told bool
}

// see looks at a link.
func (w *waits) see(l api.Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told || l.State != api.LinkWaiting || l.Failure == nil {
		return
	}
	w.told = true
	why := api.AsError(l.Failure)
	explain(w.out, &api.Error{Message: why.Message, Hints: append(why.Hints, "it is tried again until it answers; Ctrl-C gives up")})
}

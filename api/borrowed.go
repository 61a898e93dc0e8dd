package api

import (
	"context"
	"fmt"
	"net/http"

	"sallyport/tunnels"
)

// Borrowed is a forward that a master of ssh has opened for the background
// process. A master keeps no list that others could read, so this is what is
// known. It ends with its master, and is cancelled when the background process
// ends; another that takes over, or the next one after a kill, has it again.
type Borrowed struct {
	ID   string       `json:"id"`
	Path string       `json:"path"` // of the control socket
	PID  int          `json:"pid"`  // of the master
	Spec tunnels.Spec `json:"spec"`
	Port int          `json:"port,omitempty"` // that the far side chose; 0 where it is the one that was asked for
}

// BorrowRequest opens or closes a forward of the master with this pid.
type BorrowRequest struct {
	Path string       `json:"path"`
	PID  int          `json:"pid"`
	Spec tunnels.Spec `json:"spec"`
	Up   bool         `json:"up"`
}

// Borrowed is what is asked for.
func (r BorrowRequest) Borrowed() Borrowed {
	return Borrowed{ID: fmt.Sprintf("%d %s %s", r.PID, r.Spec, r.Path), Path: r.Path, PID: r.PID, Spec: r.Spec}
}

// Borrow has a master open or close a forward for the background process,
// which is started if needed. One that somebody else has opened is closed too.
func (c *Client) Borrow(ctx context.Context, r BorrowRequest) (Borrowed, error) {
	var b Borrowed
	err := c.started(ctx, func() error { return c.call(ctx, http.MethodPost, "/v1/borrowed", r, &b) })
	return b, err
}

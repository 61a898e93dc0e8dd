package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Served is a control socket on which the background process lets clients of
// ssh use one of its connections.
type Served struct {
	Link    string    `json:"link"` // LinkStatus.ID
	Host    string    `json:"host"` // alias
	Path    string    `json:"path"`
	Since   time.Time `json:"since"`
	Clients []Guest   `json:"clients"` // oldest first
}

// Guest is a client of ssh on a control socket of ours.
type Guest struct {
	PID   int       `json:"pid,omitempty"` // 0 where the system does not tell
	Since time.Time `json:"since"`
	What  GuestKind `json:"what"`
	To    string    `json:"to,omitempty"` // of a forward; printable
}

// GuestKind is what a Guest has open.
type GuestKind string

const (
	GuestSession GuestKind = "session"
	GuestForward GuestKind = "forward" // ssh -W; those of -L, -R and -D are tunnels
	GuestProxy   GuestKind = "proxy"   // ssh -O proxy
)

// Served are the control sockets of the background process, none if there is
// no process.
func (c *Client) Served(ctx context.Context) ([]Served, error) {
	all := []Served{}
	err := c.call(ctx, http.MethodGet, "/v1/served", nil, &all)
	if IsNoDaemon(err) {
		return all, nil
	}
	return all, err
}

// Share has a link that is up listen for clients of ssh: where the host's
// configuration says so, or else on a socket of its own.
func (c *Client) Share(ctx context.Context, link string) (Served, error) {
	var s Served
	err := c.call(ctx, http.MethodPost, "/v1/links/"+url.PathEscape(link)+"/share", nil, &s)
	return s, err
}

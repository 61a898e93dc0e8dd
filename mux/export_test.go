package mux

import (
	"context"
	"net"
	"time"
)

// ServeWithin is Serve with another limit for what clients owe.
func ServeWithin(ctx context.Context, l net.Listener, h Handler, limit time.Duration) error {
	return (&server{listener: l, handler: h, limit: limit}).serve(ctx)
}

// MaxClients is how many clients there may be.
const MaxClients = maxClients

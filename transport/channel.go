package transport

import (
	"context"

	"golang.org/x/crypto/ssh"

	"sallyport/mux"
)

// A connection can be shared with OpenSSH's clients.
var _ mux.Conn = (*Conn)(nil)

// OpenChannel opens a channel of any kind. Its error is that of x/crypto/ssh,
// with the far side's own reason, why the connection ended, or the cause of
// ctx.
func (c *Conn) OpenChannel(ctx context.Context, name string, data []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	type opened struct {
		channel  ssh.Channel
		requests <-chan *ssh.Request
	}
	o, err := inTime(ctx, c,
		func() (o opened, err error) {
			o.channel, o.requests, err = c.client.OpenChannel(name, data)
			return o, err
		},
		func(late opened) {
			go ssh.DiscardRequests(late.requests) // ends with the channel
			late.channel.Close()
		})
	return o.channel, o.requests, err
}

package nss

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Dial is d.DialContext with names looked up as here.
func Dial(ctx context.Context, d net.Dialer, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || name == "" || !leftToLibc(name) {
		return d.DialContext(ctx, network, address)
	}
	addrs, err := LookupNetIP(ctx, "ip"+strings.TrimPrefix(network, "tcp"), name)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return inTurn{d, network, port}.race(ctx, addrs)
}

// inTurn tries addresses one after the other.
type inTurn struct {
	net.Dialer
	network, port string
}

// besides is when the addresses of the other family are begun with, as in
// package net (RFC 8305 section 5 has 250 ms).
const besides = 300 * time.Millisecond

// dialled is how the dialling of one family has ended.
type dialled struct {
	family int // 0 for that of the first address
	conn   net.Conn
	err    error
}

// race tries the addresses of the first one's family and, if these take long
// or fail, those of the other beside them. The error is that of the first.
func (d inTurn) race(ctx context.Context, addrs []netip.Addr) (net.Conn, error) {
	families := byFamily(addrs)
	if len(families[1]) == 0 {
		return d.dial(ctx, families[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan dialled)
	run := func(family int) { // ends with ctx at the latest, when race returns
		conn, err := d.dial(ctx, families[family])
		select {
		case ends <- dialled{family, conn, err}:
		case <-ctx.Done():
			leave(conn)
		}
	}
	go run(0)
	wait := time.NewTimer(besides)
	defer wait.Stop()
	var errs [2]error
	for begun, ended := 1, 0; ended < 2; {
		select {
		case end := <-ends:
			if end.err == nil {
				return end.conn, nil
			}
			errs[end.family] = end.err
			ended++
		case <-wait.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if begun == 1 {
			begun = 2
			go run(1)
		}
	}
	return nil, errs[0]
}

// byFamily keeps the addresses in their order.
func byFamily(addrs []netip.Addr) (families [2][]netip.Addr) {
	for _, a := range addrs {
		family := 0
		if a.Is4() != addrs[0].Is4() {
			family = 1
		}
		families[family] = append(families[family], a)
	}
	return families
}

// leave closes what came too late.
func leave(conn net.Conn) {
	if conn != nil {
		_ = conn.Close() // nobody has used it
	}
}

// atLeast is what each address has of the time that is left.
const atLeast = 2 * time.Second

// dial tries one address after the other; each has its share of the time that is
// left, so that one which is silent does not take it all. The error is that of
// the first.
func (d inTurn) dial(ctx context.Context, addrs []netip.Addr) (net.Conn, error) {
	var first error
	for i, a := range addrs {
		conn, err := d.dialOne(ctx, a, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (d inTurn) dialOne(ctx context.Context, a netip.Addr, left int) (net.Conn, error) {
	if end, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(time.Until(end)/time.Duration(left), atLeast))
		defer cancel()
	}
	return d.DialContext(ctx, d.network, net.JoinHostPort(a.String(), d.port))
}

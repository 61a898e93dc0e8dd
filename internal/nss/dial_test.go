//go:build linux

package nss

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestAddressesAreTriedInTheirOrder has a server at some addresses, none at
// others, and some that do not answer at all.
func TestAddressesAreTriedInTheirOrder(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	const up, down, silent4, silent6 = "127.0.0.1", "127.0.0.2", "192.0.2.1", "2001:db8::1"
	six, noIPv6 := net.Listen("tcp6", "[::1]:0")
	if noIPv6 == nil {
		six.Close()
	}
	for _, row := range []struct {
		name, addrs, tried, to string
	}{
		{"the first", up + " " + down, up, up},
		{"the second", down + " " + up, down + " " + up, up},
		{"none", down + " 127.0.0.3", down + " 127.0.0.3", "refused " + down},
		{"the other family after this one", "::1 " + up, "::1 " + up, up},
		{"the other family beside this one", silent6 + " " + up, silent6 + " " + up, up},
		{"this family first, whatever stands between", down + " ::1 " + up, down + " " + up, up},
		{"neither family", "::1 " + down, "::1 " + down, "refused ::1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if noIPv6 != nil && strings.Contains(row.addrs, ":") {
				t.Skip(noIPv6)
			}
			var mu sync.Mutex
			var tried []string
			control := func(ctx context.Context, _, address string, _ syscall.RawConn) error {
				host, _, _ := net.SplitHostPort(address)
				mu.Lock()
				tried = append(tried, host)
				mu.Unlock()
				if host == silent4 || host == silent6 {
					<-ctx.Done()
				}
				return nil
			}
			var addrs []netip.Addr
			for _, a := range strings.Fields(row.addrs) {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			conn, err := inTurn{net.Dialer{ControlContext: control}, "tcp", port}.race(t.Context(), addrs)
			to := ""
			var op *net.OpError
			switch {
			case err == nil:
				to = conn.RemoteAddr().(*net.TCPAddr).IP.String()
				conn.Close()
			case errors.Is(err, syscall.ECONNREFUSED) && errors.As(err, &op):
				to = "refused " + op.Addr.(*net.TCPAddr).IP.String()
			default:
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(tried, " "); got != row.tried || to != row.to {
				t.Errorf("tried %s, came to %q; want %s, %q", got, to, row.tried, row.to)
			}
		})
	}
}

// TestASilentAddressHasNotAllTheTime: what is left of it is the next one's.
func TestASilentAddressHasNotAllTheTime(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent := func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		if strings.HasPrefix(address, "192.0.2.1:") {
			<-ctx.Done()
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*atLeast)
	defer cancel()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	conn, err := inTurn{net.Dialer{ControlContext: silent}, "tcp", port}.race(ctx,
		[]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestWhoGivesUpDiallingIsNotKeptWaiting(t *testing.T) {
	t.Parallel()
	for _, addrs := range [][]netip.Addr{
		{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")},
		{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		silent := func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		conn, err := inTurn{net.Dialer{ControlContext: silent}, "tcp", "9"}.race(ctx, addrs)
		if err == nil {
			conn.Close()
			t.Errorf("%v: connected", addrs)
		}
	}
}

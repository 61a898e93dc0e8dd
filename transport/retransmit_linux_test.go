package transport

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTCPSendsAgainSoonAndForLong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	control := prepared(func(string, string, syscall.RawConn) error { return nil })
	conn, err := (&net.Dialer{Control: control}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name         string
		option, want int
	}{
		{"TCP_USER_TIMEOUT", unix.TCP_USER_TIMEOUT, 924_000},
		{"TCP_SYNCNT", unix.TCP_SYNCNT, 127},
		{"TCP_RTO_MAX_MS", unix.TCP_RTO_MAX_MS, 1000},
	} {
		var got int
		var err error
		if ctlErr := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, row.option) }); ctlErr != nil {
			t.Fatal(ctlErr)
		}
		if errors.Is(err, unix.ENOPROTOOPT) && row.option == unix.TCP_RTO_MAX_MS {
			continue // before Linux 6.15
		}
		if err != nil || got != row.want {
			t.Errorf("%s is %d, %v; want %d", row.name, got, err, row.want)
		}
	}
}

package sshtest

import (
	"net"
	"strconv"
	"testing"
	"time"
)

// patience is how long Eventually waits: much longer than anything takes, even
// on a busy machine.
const patience = 15 * time.Second

// Eventually polls a condition, for what has no channel to wait on. what
// completes the sentence "it never happened that".
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never happened that %s", what)
		}
	}
}

// FreePort is a TCP port that nobody listens on now, on neither of the
// loopback addresses.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		free := freeOnIPv6(port)
		l.Close()
		if free {
			return port
		}
	}
	t.Fatal("no port is free on both loopback addresses")
	return 0
}

// freeOnIPv6 is true as well where there is no IPv6.
func freeOnIPv6(port int) bool {
	if any, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		return true
	} else {
		any.Close()
	}
	l, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

package sshtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long Eventually waits: much longer than anything takes, even
// on a busy machine.
const patience = time.Minute

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

// given are the ports that FreePort has named in this process, with what tells
// other processes of it.
var given sync.Map

// FreePort is a TCP port that nobody listens on now, on neither of the
// loopback addresses. It is below those that Linux gives to outgoing
// connections, so that none of them takes it meanwhile, and is named once: on
// Linux in all the processes that run tests at the same time.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		if free("127.0.0.1", port) && free("::1", port) {
			if mark, unmarked := claim(port); unmarked {
				given.Store(port, mark)
				return port
			}
		}
	}
	t.Fatal("no port is free on both loopback addresses")
	return 0
}

// claim marks a port as named, by a socket in the abstract name space of Linux
// (unix(7)), which goes with the process.
func claim(port int) (mark net.Listener, unmarked bool) {
	if runtime.GOOS != "linux" {
		_, before := given.Load(port)
		return nil, !before
	}
	mark, err := net.Listen("unix", fmt.Sprintf("@sallyport-test-port-%d", port))
	return mark, err == nil
}

// free is true as well where the machine does not have the address. No child
// is forked while it listens: one that has not executed its program yet would
// have the socket as well, and the server to come would find the port taken.
func free(host string, port int) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return !errors.Is(err, syscall.EADDRINUSE)
	}
	l.Close()
	return true
}

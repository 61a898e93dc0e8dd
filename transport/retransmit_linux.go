package transport

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// longestRetransmit is how long TCP waits at most before it sends again
	// what was not acknowledged. By itself it doubles the time up to two
	// minutes, so a connection that lived through a cut of one minute would say
	// nothing for another one. Linux has the option since 6.15.
	longestRetransmit = time.Second

	// connectTries keeps a first packet going for the two minutes of the usual
	// doubling; the caller's limit comes before.
	connectTries = 127

	// retransmitFor is how long TCP sends again before it gives up: what
	// net.ipv4.tcp_retries2 comes to with the usual doubling (tcp(7)). With
	// shorter times that number of tries would be over in seconds.
	retransmitFor = 924 * time.Second
)

// prepared is control for a TCP socket that shall come back soon after a cut.
func prepared(control func(network, address string, raw syscall.RawConn) error) func(network, address string, raw syscall.RawConn) error {
	return func(network, address string, raw syscall.RawConn) error {
		return errors.Join(control(network, address, raw), raw.Control(func(fd uintptr) {
			for _, o := range [...]struct{ option, value int }{
				{unix.TCP_RTO_MAX_MS, int(longestRetransmit.Milliseconds())},
				{unix.TCP_USER_TIMEOUT, int(retransmitFor.Milliseconds())},
				{unix.TCP_SYNCNT, connectTries},
			} {
				if unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, o.option, o.value) != nil {
					return // an older kernel, which lacks the first: its ways stay as they are
				}
			}
		}))
	}
}

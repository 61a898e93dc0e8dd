package mux

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lingerLimit is how long a client's next message is looked for before this
// process sleeps. ssh greets, asks whether we are alive and asks for a session,
// each as soon as it has the answer to what was before, so the next comes within
// it on an idle machine. To fall asleep and to be woken twice would be a
// hundredth of the time of a short command.
const lingerLimit = 100 * time.Microsecond

// linger waits a little for something to be read. Whoever else wants the
// processor has it: on a machine of one, the client.
func (c *client) linger() {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return // who reads will see
	}
	_ = raw.Control(func(fd uintptr) { // likewise
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for end := time.Now().Add(lingerLimit); time.Now().Before(end); {
			if n, err := unix.Poll(polled, 0); n > 0 || err != nil && !again(err) {
				return
			}
			_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) // it cannot fail
		}
	})
}

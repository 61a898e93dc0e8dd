package tunnels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sallyport/config"
	"sallyport/transport"
)

// obstacle is why a tunnel has no listener.
type obstacle struct {
	state    State // Busy or Failed
	passes   bool  // it may go away by itself, so the port is tried again
	failure  *transport.Failure
	freePort int
	errno    syscall.Errno
}

// explain says in words why a port could not be taken.
func explain(ctx context.Context, s Spec, err error) *obstacle {
	o := &obstacle{state: Failed, errno: errno(err)}
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && s.Listen.Network == "unix":
		o.state, o.passes = Busy, true
		o.failure = failure("busy", "the socket %q is in use by another program", s.Listen.Path)
		o.failure.Hint = "lsof " + config.Printable(s.Listen.Path)
	case errors.Is(err, syscall.EADDRINUSE):
		o.state, o.passes = Busy, true
		o.freePort = freePort(ctx, s)
		o.failure = busy(s.Listen.Port, holderOf(s.Listen.Port), o.freePort)
	case errors.Is(err, syscall.EACCES) && s.Listen.Network == "tcp":
		o.failure = failure("privileged", "port %d is privileged: only root may listen on ports below %d", s.Listen.Port, firstUnprivileged())
		o.failure.Hint = fmt.Sprintf("choose a higher port, such as %s", higher(s).argument())
	case noAddress(err):
		o.passes = true
		o.failure = failure("no-address", "this machine has no address %q to listen on now", s.Listen.Host)
	default:
		o.failure = failure("listen", "listening on %q: %s", s.Listen, innermost(err))
	}
	return o
}

// busy names who has the port, and what to do about it.
func busy(port int, h holder, free int) *transport.Failure {
	f := failure("busy", "port %d is in use by %s", port, h)
	f.Hint = "ss -ltnp 'sport = :" + strconv.Itoa(port) + "'"
	switch {
	case h.pid > 0 && h.pid != os.Getpid() && free > 0:
		f.Hint = fmt.Sprintf("kill %d, or listen on port %d instead", h.pid, free)
	case free > 0:
		f.Hint = fmt.Sprintf("listen on port %d instead", free)
	}
	return f
}

// freePort is the next port above the one asked for that could be taken now,
// 0 if there is none near it.
func freePort(ctx context.Context, s Spec) int {
	hosts, err := addresses(ctx, s)
	if err != nil {
		return 0
	}
	for port := s.Listen.Port + 1; port <= min(s.Listen.Port+100, 65535); port++ {
		if listeners, err := bindTCP(ctx, hosts, port); err == nil {
			closeAll(listeners)
			return port
		}
	}
	return 0
}

// higher is the forward on a port that needs no rights: 8080 for 80.
func higher(s Spec) Spec {
	s.Listen.Port += 8000
	return s
}

// firstUnprivileged is the lowest port that everybody may listen on.
func firstUnprivileged() int {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if port, convErr := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && convErr == nil {
		return port
	}
	return 1024
}

// innermost is what the system said, without the operations that net wraps
// around it: the sentence names them already.
func innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return config.Printable(err.Error())
		}
		err = inner
	}
}

func failure(code, format string, args ...any) *transport.Failure {
	return &transport.Failure{Code: code, Message: config.Printable(fmt.Sprintf(format, args...)), At: time.Now()}
}

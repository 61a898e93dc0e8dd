package tunnels

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	cause    cause
}

// cause tells obstacles apart.
type cause struct {
	errno    syscall.Errno
	squatter squatter // what has the path of a socket
}

// explain says in words why a port could not be taken.
func explain(ctx context.Context, s Spec, o Options, why cause, err error) *obstacle {
	found := &obstacle{state: Failed, cause: why}
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && s.Listen.Network == "unix":
		found.state, found.passes = Busy, true
		found.failure = taken(s.Listen.Path, why.squatter)
	case errors.Is(err, syscall.EADDRINUSE):
		found.state, found.passes = Busy, true
		hosts, _ := addresses(ctx, s, o) // none any more: then nobody is named, and no port offered
		found.freePort = freePort(ctx, hosts, s.Listen.Port, o)
		found.failure = busy(s.Listen.Port, holderOf(s.Listen.Port, hosts), found.freePort)
	case errors.Is(err, syscall.EACCES) && s.Listen.Network == "tcp":
		found.failure = failure("privileged", "port %d is privileged: only root may listen on ports below %d", s.Listen.Port, firstUnprivileged())
		found.failure.Hint = fmt.Sprintf("choose a higher port, such as %s", higher(s).argument())
	case noAddress(err):
		found.passes = true
		found.failure = failure("no-address", "this machine has no address %q to listen on now", s.Listen.Host)
	default:
		found.failure = failure("listen", "listening on %q: %s", s.Listen, innermost(err))
	}
	if found.failure.Cause = err; why.errno != 0 {
		found.failure.Cause = why.errno
	}
	return found
}

// taken names what has the path of a socket, and what to do about it.
func taken(path string, s squatter) *transport.Failure {
	shown := config.Printable(path)
	if s.leftOver {
		f := failure("busy", "the socket %q was left over: nobody listens on it", path)
		f.Hint = "rm " + shown + ", or StreamLocalBindUnlink yes"
		return f
	}
	if s.mode != fs.ModeSocket {
		f := failure("busy", "the path %q is taken: %s is there", path, s.kind())
		f.Hint = "ls -ld " + shown
		return f
	}
	h := holderOfSocket(path)
	f := failure("busy", "the socket %q is in use by %s", path, h)
	f.Hint = "lsof " + shown
	if h.pid > 0 && h.pid != os.Getpid() {
		f.Hint = fmt.Sprintf("kill %d", h.pid)
	}
	return f
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
func freePort(ctx context.Context, hosts []string, taken int, o Options) int {
	for port := taken + 1; port <= min(taken+100, 65535); port++ {
		if listeners, err := bindTCP(ctx, hosts, port, o); err == nil && len(listeners) > 0 {
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

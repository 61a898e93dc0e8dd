package cli

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
)

// sshFailure says why a connection failed: in a sentence of ours with what to
// do about it, then in ssh's own line, which tools look for.
func (l *sshLog) failure(f *transport.Failure, chain transport.Chain) {
	if !l.shows(logError) {
		return
	}
	l.say(logError, "sallyport: %s", f.Message)
	if f.Hint != "" {
		l.say(logError, "  hint: %s", f.Hint)
	}
	hop := hopOf(f, chain)
	for _, line := range sshLines(f, chain[hop].Host, placeOf(chain, hop)) {
		l.say(levelOf(line), "%s", api.Printable(line))
	}
	for range len(chain) - 1 - hop { // what each ssh says whose ProxyCommand has ended
		l.say(levelOf(closedBy), closedBy+nowhere)
	}
}

// closedBy and resetBy begin ssh's lines on a connection that the far side has
// ended, and connectionTo that on one on which it has said nothing.
const (
	closedBy     = "Connection closed by "
	resetBy      = "Connection reset by "
	connectionTo = "Connection to "
)

// levelOf is the level of a line of ssh's: sshpkt_vfatal (packet.c) tells of the
// end of a connection by logdie, which LogLevel ERROR silences.
func levelOf(line string) int {
	for _, ending := range []string{closedBy, resetBy, connectionTo} {
		if strings.HasPrefix(line, ending) {
			return logInfo
		}
	}
	return logError
}

// nowhere is how ssh calls the other end of a pipe.
const nowhere = "UNKNOWN port 65535"

// hopOf is where in the chain the hop is whose ssh would have failed.
func hopOf(f *transport.Failure, chain transport.Chain) int {
	at := slices.IndexFunc(chain, func(hop transport.Hop) bool { return config.Printable(hop.Host.Name) == f.Hop })
	switch {
	case at < 0:
		return len(chain) - 1
	case f.Before:
		return max(at-1, 0)
	}
	return at
}

// placeOf is how the ssh of a hop calls the other end of its connection, which is
// a pipe where it has a ProxyCommand: the ssh of a jump is one, too.
func placeOf(chain transport.Chain, hop int) string {
	if hop > 0 || chain[hop].Command != "" {
		return nowhere
	}
	return fmt.Sprintf("%s port %d", chain[hop].Host.HostName(), chain[hop].Host.Port())
}

// sshLines are what ssh prints where f happens at h (sshconnect.c, sshconnect2.c,
// packet.c), none where its words are not known.
func sshLines(f *transport.Failure, h *config.Host, place string) []string {
	var (
		name    *net.DNSError
		family  *net.AddrError
		errno   syscall.Errno
		channel *ssh.OpenChannelError
		common  *ssh.AlgorithmNegotiationError
		unbound transport.BindError
		dialled *net.OpError
	)
	switch {
	case f.Silent, f.Code == transport.CodeTimeout && place == nowhere: // where ssh waits for the banner all the time
		return []string{"Connection timed out during banner exchange", connectionTo + place + " timed out"}
	case errors.As(f.Cause, &unbound):
		return []string{string(unbound), fmt.Sprintf("ssh: connect to host %s: failure", place)}
	case errors.Is(f.Cause, syscall.EADDRNOTAVAIL) && errors.As(f.Cause, &dialled) && dialled.Source != nil:
		ours, _, _ := net.SplitHostPort(dialled.Source.String()) // of a socket there is always one
		return []string{fmt.Sprintf("bind %s: %s", ours, strerror(syscall.EADDRNOTAVAIL)), fmt.Sprintf("ssh: connect to host %s: failure", place)}
	case f.HungUp:
		return []string{closedBy + place}
	case f.Code == transport.CodeAuth:
		return []string{fmt.Sprintf("%s@%s: Permission denied (%s).", h.User(), h.HostName(), strings.Join(f.Accepted, ","))}
	case f.Code == transport.CodeCancelled:
		return []string{fmt.Sprintf("%s@%s: Permission denied.", h.User(), h.HostName())}
	case f.Code == "hostkey-changed":
		return []string{"WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", "Host key verification failed."}
	case strings.HasPrefix(f.Code, "hostkey-"):
		return []string{"Host key verification failed."}
	case errors.As(f.Cause, &name) && name.IsNotFound:
		return []string{fmt.Sprintf("ssh: Could not resolve hostname %s: Name or service not known", name.Name)}
	case errors.As(f.Cause, &name):
		return []string{fmt.Sprintf("ssh: Could not resolve hostname %s: Temporary failure in name resolution", name.Name)}
	case errors.As(f.Cause, &family):
		return []string{fmt.Sprintf("ssh: Could not resolve hostname %s: Address family for hostname not supported", h.HostName())}
	case errors.As(f.Cause, &channel):
		return []string{openFailed(0, channel), "stdio forwarding failed"}
	case errors.As(f.Cause, &common):
		return []string{fmt.Sprintf("Unable to negotiate with %s: no matching %s found. Their offer: %s",
			place, transport.AlgorithmKindOf(common.What).Name, strings.Join(common.RequestedAlgorithms, ","))}
	case f.Code == transport.CodeUnreachable && errors.As(f.Cause, &errno):
		return []string{fmt.Sprintf("ssh: connect to host %s: %s", place, strerror(errno))}
	case f.Code == transport.CodeTimeout:
		return []string{fmt.Sprintf("ssh: connect to host %s: Connection timed out", place)}
	case f.Code == transport.CodeClosed && errors.Is(f.Cause, syscall.ECONNRESET):
		return []string{resetBy + place}
	case f.Code == transport.CodeClosed, f.Code == transport.CodeProxyCommand, f.Code == transport.CodeNotSSH: // what is no version line is skipped to the end
		return []string{closedBy + place}
	}
	return nil
}

// openFailed is the line of channel_input_open_failure of channels.c.
func openFailed(number int64, refused *ssh.OpenChannelError) string {
	line := fmt.Sprintf("channel %d: open failed: %s", number, openReason(refused.Reason))
	if refused.Message != "" {
		line += ": " + refused.Message
	}
	return line
}

// openReason is reason2txt of channels.c (RFC 4254 section 5.1).
func openReason(r ssh.RejectionReason) string {
	switch r {
	case ssh.Prohibited:
		return "administratively prohibited"
	case ssh.ConnectionFailed:
		return "connect failed"
	case ssh.UnknownChannelType:
		return "unknown channel type"
	case ssh.ResourceShortage:
		return "resource shortage"
	}
	return "unknown reason"
}

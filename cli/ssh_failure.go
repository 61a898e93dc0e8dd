package cli

import (
	"errors"
	"fmt"
	"net"
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
	hop, last := hopOf(f, chain)
	for _, line := range sshLines(f, hop) {
		l.say(logError, "%s", api.Printable(line))
	}
	if !last { // what the ssh says whose ProxyCommand has ended
		l.say(logError, "Connection closed by UNKNOWN port 65535")
	}
}

// hopOf is the host that failed, and whether it is the last of the chain.
func hopOf(f *transport.Failure, chain transport.Chain) (h *config.Host, last bool) {
	for i, hop := range chain {
		if config.Printable(hop.Host.Name) == f.Hop {
			return hop.Host, i == len(chain)-1
		}
	}
	return chain[len(chain)-1].Host, true
}

// sshLines are what ssh prints where f happens (sshconnect.c, sshconnect2.c,
// packet.c), none where its words are not known.
func sshLines(f *transport.Failure, h *config.Host) []string {
	var (
		name    *net.DNSError
		errno   syscall.Errno
		channel *ssh.OpenChannelError
		common  *ssh.AlgorithmNegotiationError
	)
	place := fmt.Sprintf("%s port %d", h.HostName(), h.Port())
	switch {
	case f.Code == transport.CodeAuth:
		return []string{fmt.Sprintf("%s@%s: Permission denied (%s).", h.User(), h.HostName(), strings.Join(f.Accepted, ","))}
	case f.Code == "hostkey-changed":
		return []string{"WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", "Host key verification failed."}
	case strings.HasPrefix(f.Code, "hostkey-"):
		return []string{"Host key verification failed."}
	case errors.As(f.Cause, &name) && name.IsNotFound:
		return []string{fmt.Sprintf("ssh: Could not resolve hostname %s: Name or service not known", name.Name)}
	case errors.As(f.Cause, &name):
		return []string{fmt.Sprintf("ssh: Could not resolve hostname %s: Temporary failure in name resolution", name.Name)}
	case errors.As(f.Cause, &channel):
		return []string{fmt.Sprintf("channel 0: open failed: %s: %s", openReason(channel.Reason), channel.Message), "stdio forwarding failed"}
	case errors.As(f.Cause, &common):
		return []string{fmt.Sprintf("Unable to negotiate with %s: no matching %s found. Their offer: %s",
			place, common.What, strings.Join(common.RequestedAlgorithms, ","))}
	case f.Code == transport.CodeUnreachable && errors.As(f.Cause, &errno):
		return []string{fmt.Sprintf("ssh: connect to host %s: %s", place, strerror(errno))}
	case f.Code == transport.CodeTimeout:
		return []string{fmt.Sprintf("ssh: connect to host %s: Connection timed out", place)}
	case f.Code == transport.CodeClosed:
		return []string{"Connection closed by " + place}
	}
	return nil
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

// refusals says what is wrong with a configuration in ssh's words, and
// whether that ends it: what the command line has wrong ends it at once, and
// some things do only where ssh would connect.
func (l *sshLog) refusals(c *config.Config, h *config.Host, dump bool) bool {
	now, late := h.Refusals()
	if dump {
		late = nil
	}
	files := map[string]int{}
	for _, p := range now {
		if p.Origin.Line == 0 {
			l.say(logFatal, "%s", api.Printable(refusalLine(p)))
			return true
		}
	}
	for _, p := range append(now, late...) {
		l.say(logError, "%s", api.Printable(refusalLine(p)))
		files[p.Origin.File]++
	}
	for _, file := range c.Files() {
		if n := files[file]; n > 0 {
			l.say(logFatal, "%s: terminating, %d bad configuration options", api.Printable(file), n)
			return true
		}
	}
	return len(now)+len(late) > 0
}

// refusalLine is a refusal as readconf.c words it: the place is written in two
// ways.
func refusalLine(p config.Problem) string {
	switch {
	case p.Origin.File == "" || p.Origin.Line == 0 && p.Origin.File != config.CommandLine.File:
		return p.Message
	case strings.HasPrefix(p.Message, "Bad configuration option"):
		return fmt.Sprintf("%s: line %d: %s", p.Origin.File, p.Origin.Line, p.Message)
	}
	return fmt.Sprintf("%s line %d: %s", p.Origin.File, p.Origin.Line, p.Message)
}

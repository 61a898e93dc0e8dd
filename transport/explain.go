package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// asFailure is err as a *Failure of the hop called name.
func asFailure(err error, name string) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		dated := *f
		if dated.At.IsZero() {
			dated.At = time.Now()
		}
		return &dated
	}
	code := CodeClosed
	if errors.Is(err, ErrCancelled) {
		code = CodeCancelled
	}
	return &Failure{
		Code:    code,
		Message: config.Printable(fmt.Sprintf("connecting to %q: %v", name, err)),
		Hop:     name,
		At:      time.Now(),
	}
}

// refusal is the failure of a configuration that asks for what cannot be
// done, at the line that set keyword.
func refusal(h *config.Host, keyword, message string) *Failure {
	return &Failure{Code: CodeConfig, Message: message, Hint: whereSet(h, keyword)}
}

// whereSet says where a keyword was set, "" if nobody did.
func whereSet(h *config.Host, keyword string) string {
	if origin, set := h.IsSet(keyword); set {
		return fmt.Sprintf("%s is set at %s", keyword, origin)
	}
	return ""
}

// name is the alias of a link's hop, printable.
func (l *Link) name() string { return config.Printable(l.Host().Host.Name) }

// heading begins each message: where to, and through what.
func (c dialCall) heading() string {
	heading := fmt.Sprintf("connecting to %q", c.host().Name)
	for i, hop := range c.route.chain[:c.route.place] {
		if i == 0 {
			heading += " via "
		} else {
			heading += ", "
		}
		heading += strconv.Quote(hop.Host.Name)
	}
	return heading
}

// explain turns what went wrong at this hop into a failure that a person
// understands.
func (c dialCall) explain(err error) *Failure {
	var f *Failure
	if !errors.As(err, &f) {
		f = c.reason(err)
	}
	told := *f
	if told.Cause == nil {
		told.Cause = err
	}
	if !strings.HasPrefix(told.Message, "connecting to ") {
		told.Message = c.heading() + ": " + told.Message
	}
	told.Message, told.Hint = sayable(told.Message), sayable(told.Hint)
	told.Hop = c.link.name()
	if told.At.IsZero() {
		told.At = time.Now()
	}
	return &told
}

// sayable is a sentence that may quote a server: harmless, and no longer than
// one with all its keys and algorithms.
func sayable(text string) string {
	const most = 4 << 10
	return config.Printable(clipped(text, most))
}

// explainHandshake is explain for what happened on w.
func (c dialCall) explainHandshake(ctx context.Context, err error, w *wire, login *auth) *Failure {
	if cause := context.Cause(ctx); cause != nil {
		return c.explainOnWire(cause, w) // the handshake may still be running: login is its own
	}
	var f *Failure
	if errors.As(err, &f) {
		return c.explain(f)
	}
	if ended(err) && c.cutOff() {
		return c.explainOnWire(err, w) // nobody has refused the login
	}
	c.showRest(login)
	if f := login.explain(err); f != nil {
		f.Accepted = login.accepted
		return c.explain(c.forItsAge(f, w))
	}
	if command, ok := w.Conn.(*commandConn); ok && ended(err) {
		return c.explain(&Failure{Code: CodeProxyCommand, Message: command.death("the ProxyCommand"), Hint: c.checkCommand()})
	}
	return c.explainOnWire(err, w)
}

// explainOnWire is explain for what ended a handshake, which stays the cause.
func (c dialCall) explainOnWire(err error, w *wire) *Failure {
	f := c.onWire(err, w)
	f.Cause = err
	return c.explain(f)
}

// cutOff tells that the hop before has gone under this one. x/crypto/ssh ends
// the channels of a connection before it tells of the connection's own end.
func (c dialCall) cutOff() bool {
	if c.via == nil {
		return false
	}
	select {
	case <-c.via.Done():
		return true
	case <-time.After(time.Second):
		return false
	}
}

// onWire explains an error by what the server had said before it.
func (c dialCall) onWire(err error, w *wire) *Failure {
	line, isSSH := w.greeting()
	var quiet silence
	switch {
	case strings.HasPrefix(line, "SSH-1.") && !strings.HasPrefix(line, "SSH-1.99"):
		return &Failure{
			Code:    CodeNotSSH,
			Message: fmt.Sprintf("the server speaks only protocol 1 (%q), which is broken", shortened(line)),
			Hint:    "no ssh since OpenSSH 7.6 speaks it: ask the server's administrator for protocol 2",
		}
	case strings.Contains(err.Error(), "overflow reading version string"):
		return &Failure{
			Code:    CodeNotSSH,
			Message: fmt.Sprintf("%s sends no end of text instead of the version line of SSH: %q", c.place(), shortened(line)),
			Hint:    c.checkAddress(),
		}
	case isSSH:
		return c.reason(err)
	case turnedAway(line):
		return &Failure{
			Code:    CodeClosed,
			Message: fmt.Sprintf("%s takes no more logins now: %q", c.place(), shortened(line)),
			Hint:    "wait a minute; if it goes on, MaxStartups or PerSourcePenalties of the server is in the way: ask its administrator",
		}
	case line != "":
		return &Failure{
			Code:    CodeNotSSH,
			Message: fmt.Sprintf("%s answered %q, which is not SSH", c.place(), shortened(line)),
			Hint:    c.checkAddress(),
		}
	case errors.As(err, &quiet):
		return &Failure{
			Code:    CodeTimeout,
			Message: fmt.Sprintf("%s accepted the connection but said nothing within %s", c.place(), quiet.limit),
			Hint:    c.checkAddress(),
			Silent:  true,
		}
	case ended(err):
		return &Failure{
			Code:    CodeClosed,
			Message: fmt.Sprintf("%s closed the connection before saying anything", c.place()),
			Hint:    "the server may be overloaded (MaxStartups) or block this address",
		}
	}
	return c.reason(err)
}

// turnedAway tells whether a line is sshd's to one whom it does not let as far
// as the version line: drop_connection (sshd.c) and its older wording.
func turnedAway(line string) bool {
	return line == "Exceeded MaxStartups" || line == "Not allowed at this time"
}

// reason finds the words for an error.
func (c dialCall) reason(err error) *Failure {
	var (
		name    *net.DNSError
		family  *net.AddrError
		channel *ssh.OpenChannelError
		common  *ssh.AlgorithmNegotiationError
		quiet   silence
		errno   syscall.Errno
	)
	reason, message, disconnected := disconnect(err)
	switch {
	case errors.Is(err, ErrCancelled):
		return &Failure{Code: CodeCancelled, Message: ErrCancelled.Error()}
	case errors.Is(err, context.Canceled):
		return &Failure{Code: CodeCancelled, Message: "cancelled"}
	case errors.As(err, &family): // first, for some are both
		return c.otherFamily(family)
	case errors.As(err, &name):
		return c.unknownName(name)
	case errors.As(err, &channel):
		return c.throughHop(channel)
	case errors.As(err, &common):
		return c.nothingInCommon(common)
	case errors.As(err, &quiet):
		return &Failure{Code: CodeTimeout, Message: fmt.Sprintf("%s: %v", c.place(), quiet), Hint: c.checkSilence(quiet)}
	case disconnected:
		return &Failure{Code: disconnectCode(reason, message), Message: fmt.Sprintf("the server ended the connection: %q", message)}
	case errors.As(err, &errno) && unreachable(errno):
		return &Failure{Code: CodeUnreachable, Message: fmt.Sprintf("%s: %v", c.place(), errno), Hint: c.checkPath(errno)}
	case ended(err):
		return &Failure{Code: CodeClosed, Message: fmt.Sprintf("%s closed the connection", c.place())}
	case timedOut(err):
		return &Failure{Code: CodeTimeout, Message: fmt.Sprintf("%s: no answer", c.place()), Hint: c.checkReach()}
	}
	return &Failure{Code: CodeClosed, Message: rulesBroken(err)}
}

// rulesBroken words an error of x/crypto/ssh, which are about the protocol.
func rulesBroken(err error) string {
	text := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	if rule, ok := strings.CutPrefix(text, "ssh: "); ok {
		return fmt.Sprintf("the server breaks the rules of SSH: %s", rule)
	}
	return text
}

// place is the address as ssh names it.
func (c dialCall) place() string {
	return fmt.Sprintf("%s port %d", c.host().HostName(), c.host().Port())
}

// checkAddress points to the lines which the address comes from.
func (c dialCall) checkAddress() string {
	var set []string
	for _, keyword := range []string{"HostName", "Port"} {
		if where := whereSet(c.host(), keyword); where != "" {
			set = append(set, where)
		}
	}
	return joinedHints(set...)
}

// checkSilence tells an address that does not answer from a server that does
// not go on.
func (c dialCall) checkSilence(quiet silence) string {
	if quiet.to == toConnection {
		return c.checkReach()
	}
	return c.checkAddress()
}

// checkReach is for an address from which nothing comes back.
func (c dialCall) checkReach() string {
	hint := "the host may be off, or a firewall or a missing VPN be in the way"
	if c.link.via == nil {
		hint += "; through a bastion: ssh -J BASTION " + shellescape.Quote(c.host().Name)
	}
	return joinedHints(hint, c.checkAddress())
}

// checkPath is for an address that the network refuses.
func (c dialCall) checkPath(errno syscall.Errno) string {
	_, port := c.host().IsSet("Port")
	switch {
	case errno == syscall.EADDRNOTAVAIL && whereSet(c.host(), "BindAddress") != "":
		return joinedHints("this machine does not have the address to connect from", whereSet(c.host(), "BindAddress"))
	case errno == syscall.ETIMEDOUT:
		return c.checkReach()
	case errno == syscall.EHOSTUNREACH, errno == syscall.ENETUNREACH:
		return joinedHints("check the network and the VPN of this machine", c.checkAddress())
	case errno == syscall.ECONNREFUSED && !port:
		return joinedHints("sites often take logins on another port: ssh -p PORT "+shellescape.Quote(c.host().Name), c.checkAddress())
	}
	return c.checkAddress()
}

func joinedHints(hints ...string) string {
	return strings.Join(slices.DeleteFunc(hints, func(s string) bool { return s == "" }), "; ")
}

// checkCommand points to a ProxyCommand, and to a mistake that ssh shares.
func (c dialCall) checkCommand() string {
	where := whereSet(c.host(), "ProxyCommand")
	if strings.HasPrefix(strings.TrimSpace(c.route.hop().Command), "exec ") {
		return where + `: take the "exec" out, one is put in front of it already`
	}
	return where
}

func (c dialCall) unknownName(err *net.DNSError) *Failure {
	f := &Failure{Code: CodeUnreachable, Hint: whereSet(c.host(), "HostName")}
	switch {
	case err.IsNotFound:
		f.Message = fmt.Sprintf("the name %q is not known here", err.Name)
	default:
		f.Message = fmt.Sprintf("looking up the name %q: %s", err.Name, err.Err)
		f.Hint = joinedHints("the name servers do not answer: check the network and the VPN of this machine", f.Hint)
	}
	host, port, hasPort := strings.Cut(err.Name, ":")
	switch _, numberErr := strconv.ParseUint(port, 10, 16); {
	case !err.IsNotFound:
	case hasPort && numberErr == nil && f.Hint != "": // as people know it of URLs
		f.Hint = fmt.Sprintf("a port has a line of its own, Port %s: %s", port, f.Hint)
	case hasPort && numberErr == nil:
		f.Hint = fmt.Sprintf("ssh -p %s %s, or in one word ssh://%[2]s:%[1]s", port, shellescape.Quote(host))
	case f.Hint == "":
		f.Hint = fmt.Sprintf("check the spelling, or add a HostName below \"Host %s\"", c.host().Name)
	}
	return f
}

// otherFamily is for an address of the family that is not wanted.
func (c dialCall) otherFamily(err *net.AddrError) *Failure {
	return &Failure{
		Code:    CodeUnreachable,
		Message: fmt.Sprintf("%s has no address of the family that is wanted", err.Addr),
		Hint:    joinedHints(whereSet(c.host(), "AddressFamily"), whereSet(c.host(), "HostName")),
	}
}

// throughHop explains what the hop before this one said of our address.
func (c dialCall) throughHop(err *ssh.OpenChannelError) *Failure {
	before := c.link.name()
	if c.link.via != nil {
		before = c.link.via.name()
	}
	f := &Failure{Hop: c.link.name(), Hint: c.checkAddress(), Before: true}
	f.Code, f.Message = channelRefusal(err, c.place(), before)
	if f.Code == CodeProhibited {
		f.Hint = fmt.Sprintf("AllowTcpForwarding or PermitOpen of the server %q forbids it: ask its administrator", before)
	}
	return f
}

// channelRefusal says why server did not open a channel to place (RFC 4254
// section 5.1).
func channelRefusal(err *ssh.OpenChannelError, place, server string) (code, message string) {
	switch err.Reason {
	case ssh.Prohibited, ssh.UnknownChannelType:
		return CodeProhibited, fmt.Sprintf("%q does not permit connections to %s: %q", server, place, err.Message)
	default:
		return CodeUnreachable, fmt.Sprintf("%q cannot reach %s: %q", server, place, err.Message)
	}
}

// disconnectText is how x/crypto words an SSH_MSG_DISCONNECT, whose type it
// keeps to itself: the message is quoted as Go quotes strings.
var disconnectText = pattern(`ssh: disconnect, reason (\d+): ("(?:[^"\\]|\\.)*")`)

// disconnect reads reason and message of a disconnect (RFC 4253 section 11.1)
// from err.
func disconnect(err error) (reason int, message string, ok bool) {
	if err == nil {
		return 0, "", false
	}
	m := disconnectText().FindStringSubmatch(err.Error())
	if m == nil {
		return 0, "", false
	}
	reason, numberErr := strconv.Atoi(m[1])
	message, quoteErr := strconv.Unquote(m[2])
	return reason, message, numberErr == nil && quoteErr == nil
}

// disconnectCode tells a refused login, which must not be tried again by
// itself, from other endings. OpenSSH gives reason 2 for too many keys.
func disconnectCode(reason int, message string) string {
	const (
		noMoreAuthMethods = 14
		illegalUserName   = 15
	)
	if reason == noMoreAuthMethods || reason == illegalUserName || strings.Contains(strings.ToLower(message), "auth") {
		return CodeAuth
	}
	return CodeClosed
}

// ended tells whether the far side has closed the connection.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// unreachable tells whether a number of the kernel's means that there is no
// way to an address.
func unreachable(e syscall.Errno) bool {
	return !ended(e) && !e.Timeout() || e == syscall.ETIMEDOUT
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// shortened is the beginning of a long line.
func shortened(s string) string {
	const enough = 60
	if len(s) > enough {
		return s[:enough] + "..."
	}
	return s
}

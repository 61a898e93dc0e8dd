package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

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
	told.Cause = err
	if !strings.HasPrefix(told.Message, "connecting to ") {
		told.Message = c.heading() + ": " + told.Message
	}
	told.Message, told.Hint = config.Printable(told.Message), config.Printable(told.Hint)
	told.Hop = c.link.name()
	if told.At.IsZero() {
		told.At = time.Now()
	}
	return &told
}

// explainHandshake is explain for what happened on w.
func (c dialCall) explainHandshake(ctx context.Context, err error, w *wire, login *auth) *Failure {
	if cause := context.Cause(ctx); cause != nil {
		return c.explain(c.onWire(cause, w)) // the handshake may still be running: login is its own
	}
	var f *Failure
	if errors.As(err, &f) {
		return c.explain(f)
	}
	if f := login.explain(err); f != nil {
		f.Accepted = login.accepted
		return c.explain(c.forItsAge(f, w))
	}
	if command, ok := w.Conn.(*commandConn); ok && ended(err) {
		return c.explain(&Failure{Code: CodeProxyCommand, Message: command.death("the ProxyCommand"), Hint: c.checkCommand()})
	}
	return c.explain(c.onWire(err, w))
}

// onWire explains an error by what the server had said before it.
func (c dialCall) onWire(err error, w *wire) *Failure {
	line, isSSH := w.greeting()
	var quiet silence
	switch {
	case strings.HasPrefix(line, "SSH-1.") && !strings.HasPrefix(line, "SSH-1.99"):
		return &Failure{Code: CodeNotSSH, Message: fmt.Sprintf("the server speaks only protocol 1 (%q), which is broken", line)}
	case isSSH:
		return c.reason(err)
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

// reason finds the words for an error.
func (c dialCall) reason(err error) *Failure {
	var (
		name    *net.DNSError
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
	case errors.As(err, &name):
		return c.unknownName(name)
	case errors.As(err, &channel):
		return c.throughHop(channel)
	case errors.As(err, &common):
		return c.nothingInCommon(common)
	case errors.As(err, &quiet):
		return &Failure{Code: CodeTimeout, Message: fmt.Sprintf("%s: %v", c.place(), quiet), Hint: c.checkAddress()}
	case disconnected:
		return &Failure{Code: disconnectCode(reason, message), Message: fmt.Sprintf("the server ended the connection: %q", message)}
	case errors.As(err, &errno) && unreachable(errno):
		return &Failure{Code: CodeUnreachable, Message: fmt.Sprintf("%s: %v", c.place(), errno), Hint: c.checkAddress()}
	case ended(err):
		return &Failure{Code: CodeClosed, Message: fmt.Sprintf("%s closed the connection", c.place())}
	case timedOut(err):
		return &Failure{Code: CodeTimeout, Message: fmt.Sprintf("%s: no answer", c.place()), Hint: c.checkAddress()}
	}
	return &Failure{Code: CodeClosed, Message: strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")}
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
	return strings.Join(set, "; ")
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
	}
	if f.Hint == "" && err.IsNotFound {
		f.Hint = fmt.Sprintf("check the spelling, or add a HostName below \"Host %s\"", c.host().Name)
	}
	return f
}

// throughHop explains what the hop before this one said of our address.
func (c dialCall) throughHop(err *ssh.OpenChannelError) *Failure {
	before := c.link.name()
	if c.link.via != nil {
		before = c.link.via.name()
	}
	f := &Failure{Hop: c.link.name(), Hint: c.checkAddress()}
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

// keywordOf is the option that changes what is offered, by what x/crypto
// calls it.
func keywordOf(what string) string {
	switch {
	case what == "key exchange":
		return "KexAlgorithms"
	case what == "host key":
		return "HostKeyAlgorithms"
	case strings.HasSuffix(what, "cipher"):
		return "Ciphers"
	case strings.HasSuffix(what, "MAC"):
		return "MACs"
	case strings.HasSuffix(what, "compression"):
		return "Compression"
	}
	return ""
}

func (c dialCall) nothingInCommon(err *ssh.AlgorithmNegotiationError) *Failure {
	f := &Failure{
		Code: CodeAlgorithms,
		Message: fmt.Sprintf("no %s in common: the server offers %s; we offer %s",
			err.What, strings.Join(err.RequestedAlgorithms, ","), strings.Join(err.SupportedAlgorithms, ",")),
	}
	keyword := keywordOf(err.What)
	if d, ok := demandOfServer(c.host(), err); ok {
		f.Hint = fmt.Sprintf("ssh can do this (%s): install the OpenSSH client", d.what)
		return f
	}
	if f.Hint = whereSet(c.host(), keyword); f.Hint == "" && keyword != "" && len(err.RequestedAlgorithms) > 0 {
		f.Hint = fmt.Sprintf("if you trust this server's age, add below \"Host %s\": %s +%s", c.host().Name, keyword, err.RequestedAlgorithms[0])
	}
	return f
}

// explainEnd is why a connection that was up ended.
func (c *Conn) explainEnd(err error) *Failure {
	f := &Failure{Code: CodeClosed, Hop: c.host, At: time.Now()}
	if c.lender != nil {
		f.Message = fmt.Sprintf("the connection to %q was closed: %s", c.host, c.lender.death("ssh"))
	} else if _, message, ok := disconnect(err); ok {
		f.Message = fmt.Sprintf("%q ended the connection: %q", c.host, message)
	} else if err == nil || ended(err) {
		f.Message = fmt.Sprintf("the connection to %q was closed", c.host)
	} else {
		f.Message = fmt.Sprintf("the connection to %q broke: %v", c.host, err)
	}
	f.Message = config.Printable(f.Message)
	return f
}

// explainDial is why the far side of c did not open a connection.
func (c *Conn) explainDial(ctx context.Context, address string, err error) error {
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return c.explainChannel(ctx, err)
	}
	f := &Failure{Hop: c.host, At: time.Now(), Cause: refused}
	f.Code, f.Message = channelRefusal(refused, address, c.host)
	if f.Code == CodeProhibited {
		f.Hint = "AllowTcpForwarding or PermitOpen of the server forbids it: ask its administrator"
	}
	f.Message = config.Printable(f.Message)
	return f
}

// explainSession is why c did not open a session.
func (c *Conn) explainSession(ctx context.Context, err error) error {
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) {
		return c.explainChannel(ctx, err)
	}
	return &Failure{
		Code:    CodeProhibited,
		Message: config.Printable(fmt.Sprintf("%q does not open a session: %q", c.host, refused.Message)),
		Hint:    "MaxSessions of the server may be reached: close another session on this host",
		Hop:     c.host,
		At:      time.Now(),
	}
}

// explainChannel is for a channel that was not even refused: ctx ended, or
// the connection did.
func (c *Conn) explainChannel(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if end := c.Err(); end != nil {
		return end
	}
	return c.explainEnd(err)
}

// disconnectText is how x/crypto words an SSH_MSG_DISCONNECT, whose type it
// keeps to itself: the message is quoted as Go quotes strings.
var disconnectText = regexp.MustCompile(`ssh: disconnect, reason (\d+): ("(?:[^"\\]|\\.)*")`)

// disconnect reads reason and message of a disconnect (RFC 4253 section 11.1)
// from err.
func disconnect(err error) (reason int, message string, ok bool) {
	if err == nil {
		return 0, "", false
	}
	m := disconnectText.FindStringSubmatch(err.Error())
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

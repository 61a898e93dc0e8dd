package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"time"

	"sallyport/config"
)

const (
	tcpLimit      = 30 * time.Second // to reach a host where ConnectTimeout is not set
	tcpLimitAgain = 10 * time.Second // the same after a break: the network may have changed under a SYN that is never answered
	kexLimit      = 30 * time.Second // for banner and key exchange where ConnectTimeout is not set
	commandLimit  = 2 * time.Minute  // the same behind a ProxyCommand, which may ask a person itself
)

// The steps of a link before the login: stepTCP is of one that waits for an
// address to answer.
const (
	stepTCP      = "tcp"
	stepChannel  = "channel"
	stepCommand  = "proxy command"
	stepExchange = "key exchange"
	stepHostKey  = "host key"

	stepLent   = "ssh"            // of one that an ssh of ours makes
	stepShared = "control socket" // of one that an ssh of the user's has
)

// connector makes a connection for a link, telling the call how it goes.
type connector func(ctx context.Context, call dialCall) (*Conn, error)

// dialCall is one attempt of a link to connect.
type dialCall struct {
	link    *Link
	attempt *attempt
	route   route
	again   bool  // after a break
	via     *Conn // of the link before, once it is known
	way     *wayLimit
	lane    bool // of a connection that is up; nobody is asked
}

// askFunc passes a question to a person and waits without a limit of time. It
// fills in who asks; the link is in the state asking meanwhile.
type askFunc func(ctx context.Context, q Question) (Answer, error)

// connect is the way from nothing to an authenticated connection.
func connect(ctx context.Context, c dialCall) (*Conn, error) {
	if conn, err := c.share(ctx); conn != nil || err != nil {
		return conn, err
	}
	d, demanded := demandOf(c.host())
	if demanded {
		if _, err := c.lenderFor(d); err != nil {
			return nil, err // before anything is dialled
		}
	}
	shared, leave := c.link.set.chains.enter(c.link.Chain()[0])
	defer leave()
	return c.throughJumps(ctx, func(ctx context.Context, c dialCall) (*Conn, error) {
		if demanded {
			return c.lend(ctx, c.via, d)
		}
		conn, err := c.dial(ctx, c.via, shared)
		if b := (beyond{}); errors.As(err, &b) {
			if _, missing := lender(c.route.env); missing != nil {
				return nil, b.Failure
			}
			return c.lend(ctx, c.via, b.demand)
		}
		return conn, err
	})
}

// dial makes the connection ourselves; shared are the passphrases of the chain.
func (c dialCall) dial(ctx context.Context, via *Conn, shared *wallet) (*Conn, error) {
	h := c.host()
	trusted := c.readHostKeys(ctx)
	login := newAuth(ctx, h, c.route.env, c.ask, c.step)
	login.told, login.kept, login.chain = c.trace, &c.link.kept, shared
	defer login.close()

	raw, err := c.reach(ctx, via)
	if err != nil {
		return nil, c.explain(err)
	}
	c.attempt.below.Store(&raw)
	trust, err := trusted()
	if err != nil {
		_ = raw.Close() // nothing was said on it
		return nil, c.explain(err)
	}
	return c.handshake(ctx, raw, trust, login)
}

// readHostKeys reads what is known of the host's keys while the network is
// waited for. The function that it returns waits for them.
func (c dialCall) readHostKeys(ctx context.Context) func() (*hostKeys, error) {
	var (
		trust *hostKeys
		err   error
	)
	read := make(chan struct{})
	c.link.set.wg.Go(func() { // a KnownHostsCommand ends with ctx
		defer close(read)
		trust, err = newHostKeys(ctx, c.host(), c.route.env, c.ask, c.trace)
	})
	return func() (*hostKeys, error) {
		<-read
		return trust, err
	}
}

// throughJumps goes on with the connection of the hop before this one, nil if
// there is none.
func (c dialCall) throughJumps(ctx context.Context, goOn connector) (conn *Conn, err error) {
	if c.link.via == nil {
		return goOn(ctx, c)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.way = c.limitWay(cancel)
	defer c.endWay()
	switch c.via, err = c.link.via.Conn(ctx); {
	case err != nil && c.way.over():
		return nil, c.late(err)
	case err != nil:
		return nil, err // the failure of the hop before, in its own words
	}
	defer c.via.carry()()
	return goOn(ctx, c)
}

// reach opens the bytes to speak SSH on.
func (c dialCall) reach(ctx context.Context, via *Conn) (net.Conn, error) {
	h := c.host()
	if command := c.route.hop().Command; command != "" {
		c.step(stepCommand)
		return c.throughCommand(ctx, command)
	}
	limit := c.connectLimit()
	rests := time.Duration(attempts(h)-1) * betweenAttempts // which ConnectTimeout does not count (ssh_connect_direct, sshconnect.c)
	ctx, cancel := context.WithTimeoutCause(ctx, limit+rests, silence{toConnection, limit})
	defer cancel()
	if via != nil {
		c.step(stepChannel)
		return via.open(ctx, "tcp", hostPort(h))
	}
	c.step(stepTCP)
	return dialTCP(ctx, h, c.trace)
}

// throughCommand runs a ProxyCommand, which passes the bytes or a socket.
func (c dialCall) throughCommand(ctx context.Context, command string) (net.Conn, error) {
	if command == "-" {
		return nil, refusal(c.host(), "ProxyCommand", "ProxyCommand - speaks through the standard input of ssh, which a shared connection has not")
	}
	if !yes(c.host(), "ProxyUseFdpass") {
		c.trace(1, "Executing proxy command: exec %s", command)
		return startCommand(command, c.route.env, c.heard())
	}
	limit := c.exchangeLimit()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, silence{"of the ProxyCommand", limit})
	defer cancel()
	c.trace(1, "Executing proxy dialer command: exec %s", command)
	conn, err := dialByCommand(ctx, command, c.route.env, c.heard())
	if f := (&Failure{}); errors.As(err, &f) && f.Hint == "" {
		f.Hint = whereSet(c.host(), "ProxyCommand")
	}
	return conn, err
}

// heard gets what a ProxyCommand says on its standard error. Where nobody has
// that of ours it is shown, as what the server says is, until the login is done.
func (c dialCall) heard() func(string) {
	if to := c.link.set.options.Stderr; to != nil {
		return func(text string) { io.WriteString(to, text) } // who cannot be told anything cannot be told that
	}
	return c.show
}

func (c dialCall) host() *config.Host { return c.route.hop().Host }

// connectLimit is the time to reach the host.
func (c dialCall) connectLimit() time.Duration {
	if set := seconds(c.host(), "ConnectTimeout"); set > 0 {
		return set
	}
	if c.again {
		return tcpLimitAgain
	}
	return tcpLimit
}

// exchangeLimit is the time from there to the host key.
func (c dialCall) exchangeLimit() time.Duration {
	if set := seconds(c.host(), "ConnectTimeout"); set > 0 {
		return set
	}
	if c.route.hop().Command != "" {
		return commandLimit
	}
	return kexLimit
}

// step says what is being done.
func (c dialCall) step(what string) {
	c.tell(func() { c.link.enter(Connecting, config.Printable(what)) })
}

// ask is the askFunc of this attempt.
func (c dialCall) ask(ctx context.Context, q Question) (Answer, error) {
	if c.lane {
		return Answer{}, ErrNobody
	}
	c.tell(func() { c.link.enter(Asking, c.link.owned.step) })
	defer c.tell(func() { c.link.enter(Connecting, c.link.owned.step) })
	return c.askAside(ctx, q)
}

// askAside is ask on a link that is up, and stays so.
func (c dialCall) askAside(ctx context.Context, q Question) (Answer, error) {
	asker := c.link.set.options.Asker
	if asker == nil {
		return Answer{}, ErrCancelled
	}
	h := c.host()
	q.Link = c.link.id
	q.Host = config.Printable(h.Name)
	q.Address = address(h)
	q.Login = config.Printable(h.User() + "@" + knownAs(h))
	q.Hop = c.route.place + 1
	q.Hops = len(c.route.chain)
	q.Goal = config.Printable(c.route.goal())
	return asker.Ask(ctx, q)
}

// knownAs is the name of a host in ssh's prompts: userauth_passwd
// (sshconnect2.c).
func knownAs(h *config.Host) string {
	if alias := h.Get("HostKeyAlias"); alias != "" {
		return alias
	}
	return h.HostName()
}

// tell has the owner do something, unless this attempt was given up.
func (c dialCall) tell(f func()) {
	c.link.do(func() {
		if c.link.owned.attempt == c.attempt {
			f()
		}
	})
}

// hostPort is the address to dial.
func hostPort(h *config.Host) string {
	return net.JoinHostPort(h.HostName(), strconv.Itoa(h.Port()))
}

// seconds is a time of the configuration, 0 where it is unset, "none" or
// "default".
func seconds(h *config.Host, keyword string) time.Duration {
	n, err := strconv.Atoi(h.Get(keyword))
	if err != nil || n < 0 {
		return 0 // config has refused what is not a time; the rest is "none"
	}
	return time.Duration(n) * time.Second
}

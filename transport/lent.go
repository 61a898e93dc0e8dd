package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"sallyport/config"
	"sallyport/mux"
)

// lookEvery is how often a control socket is looked for: cheaper than to have
// ssh say so.
const lookEvery = 10 * time.Millisecond

// lentSSH is an ssh that we have started to make one connection and to lend it
// out. It ends with the connection.
type lentSSH struct {
	*child
	below net.Conn // what it speaks through, on a link before it; nil if it finds its own way
}

// clear takes away what ssh spoke through.
func (s *lentSSH) clear() {
	if s.below != nil {
		_ = s.below.Close() // ssh has said all that it had to say
	}
}

// lend makes the connection by OpenSSH, because of d.
func (c dialCall) lend(ctx context.Context, via *Conn, d demand) (*Conn, error) {
	program, err := c.lenderFor(d)
	if err != nil {
		return nil, err
	}
	c.tell(func() { c.link.owned.kind, c.link.owned.why = Lent, config.Printable("via ssh: "+d.what) })
	var below net.Conn
	if via != nil {
		if below, err = c.reach(ctx, via); err != nil {
			return nil, c.explain(err)
		}
	}
	c.endWay() // ssh has a limit of its own
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	m, err := c.startMaster(ctx, giveUp, program, below)
	if err != nil {
		return nil, c.explain(err)
	}
	conn, err := c.borrow(ctx, m)
	if err != nil {
		if f := (&Failure{}); errors.As(err, &f) && f.Hint == "" && c.route.hop().Command != "" {
			f.Hint = whereSet(c.host(), "ProxyCommand")
		}
		m.Close()
		c.link.set.wg.Go(func() { <-m.gone })
		return nil, c.explain(err)
	}
	return conn, nil
}

// lenderFor is the ssh that can meet d, or the refusal of the host.
func (c dialCall) lenderFor(d demand) (string, error) {
	program, err := lender(c.route.env)
	if err != nil {
		return "", c.explain(&Failure{
			Code:    CodeConfig,
			Message: fmt.Sprintf("only ssh can do %s, and %v", d.what, err),
			Hint:    whereSet(c.host(), d.keyword),
		})
	}
	return program, nil
}

// startMaster starts ssh with what it needs of us; giveUp ends the attempt
// when a person does not answer. below is closed on failure.
func (c dialCall) startMaster(ctx context.Context, giveUp context.CancelCauseFunc, program string, below net.Conn) (*master, error) {
	m := newMaster(c.link.set.options)
	m.started = &lentSSH{below: below}
	var err error
	if m.room, err = newRoom(m.options); err != nil {
		m.clear()
		return nil, err
	}
	m.control = m.room.path("control")
	m.started.child = newChild(c.lentEnv(m.room), program, c.lentArgs(m)...)
	if c.traced() {
		m.started.process.Stderr = &debugLines{rest: m.started.said, tell: c.trace}
	}
	if err = c.serveQuestions(ctx, giveUp, m); err == nil {
		err = c.serveRelay(ctx, m)
	}
	if err == nil {
		c.step(stepLent)
		c.trace(1, "Executing OpenSSH: %s", m.started.process)
		err = m.started.start(ownSession)
	}
	if err != nil {
		m.clear()
		return nil, err
	}
	return m, nil
}

// lentEnv is the caller's environment, in which ssh asks its questions by us.
// Versions before 8.4 know no SSH_ASKPASS_REQUIRE and want a display.
func (c dialCall) lentEnv(r *room) Env {
	env := append(Env{}, c.route.env...)
	if env.Get("DISPLAY") == "" {
		env = append(env, "DISPLAY=none")
	}
	return append(env, "SSH_ASKPASS="+r.path(askpassName), "SSH_ASKPASS_REQUIRE=force")
}

// lentArgs have ssh resolve the host as we did and make a connection that
// does nothing by itself. ssh takes the first value that it reads, so ours
// come first.
func (c dialCall) lentArgs(m *master) []string {
	h := c.host()
	logLevel := "INFO" // to have its reasons
	if c.traced() {
		logLevel = "DEBUG3"
	}
	args := []string{"-M", "-N", "-T", "-S", m.control}
	set := func(keyword, value string) { args = append(args, "-o", keyword+"="+value) }
	set("ControlPersist", "no")
	set("ClearAllForwardings", "yes")
	set("PermitLocalCommand", "no")
	set("Tunnel", "no")
	set("LogLevel", logLevel)
	if m.started.below != nil {
		set("ProxyCommand", m.room.path(relayName))
		set("ProxyUseFdpass", "yes")
	}
	if yes(h, "ForkAfterAuthentication") { // not known before 8.7
		set("ForkAfterAuthentication", "no")
	}
	if _, given := h.IsSet("ServerAliveInterval"); !given {
		set("ServerAliveInterval", strconv.Itoa(int(ourPulse.interval.Seconds())))
		set("ServerAliveCountMax", strconv.Itoa(ourPulse.count))
	}
	if seconds(h, "ConnectTimeout") == 0 {
		set("ConnectTimeout", strconv.Itoa(int(c.connectLimit().Seconds())))
	}
	return append(append(args, c.route.hop().Args...), "--", h.Name)
}

// borrow waits for the login and takes up the connection.
func (c dialCall) borrow(ctx context.Context, m *master) (*Conn, error) {
	defer context.AfterFunc(ctx, m.started.stop)()
	if err := m.awaitControl(ctx); err != nil {
		return nil, err
	}
	conn, err := c.proxy(ctx, m)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	if said := m.started.said.text(); said != "" {
		c.show(said)
	}
	return conn, nil
}

// awaitControl attaches to ssh, whose socket is there once it has logged in
// (mux.c muxserver_listen).
func (m *master) awaitControl(ctx context.Context) (err error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if m.client, err = mux.Dial(ctx, m.control); err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-m.started.ended:
			return explainSSH(m.started.said.text(), m.started.death("ssh"))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

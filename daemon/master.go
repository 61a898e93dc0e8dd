package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/config"
	"sallyport/internal/brisk"
	"sallyport/mux"
	"sallyport/sessions"
	"sallyport/transport"
	"sallyport/tunnels"
)

// master lets clients of ssh use one connection: it is the mux.Handler of a
// control socket.
type master struct {
	mux.Channels
	set     *masters
	id      string // of the link
	link    *transport.Link
	conn    *transport.Conn
	host    *config.Host
	path    string
	since   time.Time
	problem error // why nobody listens
	asks    bool  // ControlMaster ask or autoask

	ctx context.Context // ends the serving
	end context.CancelFunc

	mu       sync.Mutex    // guards all below
	limit    time.Duration // of ControlPersist, 0 for none
	forever  bool          // ControlPersist yes
	listener net.Listener  // nil before it listens, and after ssh -O stop
	guests   []*api.Guest
	users    int         // of the link
	letGo    func()      // ends the stay of the connection; nil when it does not stay
	alarm    *time.Timer // of ControlPersist; nil when it does not run
}

func newMaster(set *masters, link *transport.Link, conn *transport.Conn, path string) *master {
	host := link.Host().Host
	m := &master{set: set, id: link.Status().ID, link: link, conn: conn, host: host, path: path, since: time.Now()}
	m.Channels = mux.Channels{
		Conn:    withSpare{conn},
		SendEnv: func(name string) bool { return sessions.Sends(host, name) },
		SetEnv:  host.All("SetEnv"),
	}
	m.Listen, m.Lend = m.listenFar, m.lend
	if config.TellsConnection() {
		m.Inform = conn.Information
	}
	m.asks = strings.HasSuffix(strings.ToLower(host.Get("ControlMaster")), "ask")
	m.ctx, m.end = context.WithCancel(set.ctx)
	return m
}

// withSpare is a connection whose sessions take the spare channel: one round
// trip less to the first byte.
type withSpare struct{ *transport.Conn }

// OpenChannel implements mux.Conn.
func (c withSpare) OpenChannel(ctx context.Context, name string, data []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	if name != "session" {
		return c.Conn.OpenChannel(ctx, name, data)
	}
	s, err := c.OpenSession(ctx)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Requests, nil
}

// lend gives a session the agent and the display of who has connected.
func (m *master) lend(ctx context.Context, want mux.Spec) mux.Loan {
	_, env := m.link.Way()
	return sessions.Lend(ctx, m.conn, m.host, env, want, func(text string) {
		m.set.log.Warn("forwarding", "host", m.host.Name, "message", text)
	})
}

// listen is the begin of the serving.
func (m *master) listen(l net.Listener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listener = l
	m.limit, m.forever = persistence(m.host.Get("ControlPersist"))
	m.settle()
	m.tell()
}

// listens tells whether clients may come.
func (m *master) listens() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.listener != nil
}

// shown tells whether there is something to list.
func (m *master) shown() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.listener != nil || len(m.guests) > 0
}

// hush closes the socket.
func (m *master) hush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		_ = m.listener.Close() // it may be closed already
	}
}

// stop ends the serving; the name of the socket is free then.
func (m *master) stop() {
	m.hush()
	m.end()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.silence()
	if m.letGo != nil {
		m.letGo()
		m.letGo = nil
	}
	m.set.hub.post(api.Event{ServedGone: m.id})
}

// setUsers takes how many of our own use the connection.
func (m *master) setUsers(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n != m.users {
		m.users = n
		m.settle()
	}
}

// settle has the connection stay while it is to, and the time of
// ControlPersist run while nothing is open on it (set_control_persist_exit_time
// in clientloop.c). The caller holds mu.
func (m *master) settle() {
	m.silence()
	if m.ctx.Err() != nil {
		return
	}
	switch stays := m.forever || m.limit > 0 || len(m.guests) > 0; {
	case stays && m.letGo == nil:
		m.letGo = m.link.Stay()
	case !stays && m.letGo != nil:
		m.letGo()
		m.letGo = nil
	}
	if m.limit > 0 && m.unused() {
		m.alarm = time.AfterFunc(m.limit, m.expire)
	}
}

// unused tells whether the connection carries nothing. A forward of a client's
// does not count, only the connections through it do (channel_still_open in
// channels.c). The caller holds mu.
func (m *master) unused() bool {
	return len(m.guests) == 0 && m.users <= len(m.set.forwards.lentOn(m.id))
}

// silence stops the alarm. The caller holds mu.
func (m *master) silence() {
	if m.alarm != nil {
		m.alarm.Stop()
		m.alarm = nil
	}
}

// expire is the end of ControlPersist's time, unless something has passed
// through a client's forward meanwhile. The forwards end with the connection.
func (m *master) expire() {
	if !m.expired() {
		return
	}
	m.set.forwards.takeBackAll(m.link)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.guests) == 0 {
		m.link.CloseUnused()
	}
}

// expired tells whether nothing was open for ControlPersist's time. What of it
// is left since the last connection through a forward is waited for.
func (m *master) expired() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.alarm == nil || !m.unused() {
		return false
	}
	var last time.Time
	for _, t := range m.set.forwards.lentOn(m.id) {
		if used := t.Used(); used.After(last) {
			last = used
		}
	}
	if rest := m.limit - time.Since(last); !last.IsZero() && rest > 0 {
		m.alarm = time.AfterFunc(rest, m.expire)
		return false
	}
	return true
}

// attend lists a client until leave is called.
func (m *master) attend(g api.Guest) (leave func()) {
	g.Since = time.Now()
	m.set.busy.add()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.guests = append(m.guests, &g)
	m.settle()
	m.tell()
	return func() {
		defer m.set.busy.done()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.guests = slices.DeleteFunc(m.guests, func(other *api.Guest) bool { return other == &g })
		m.settle()
		m.tell()
	}
}

// tell tells everybody who is attached, until stop has told that nobody can be.
// The caller holds mu.
func (m *master) tell() {
	switch {
	case m.ctx.Err() != nil:
	case m.listener == nil && len(m.guests) == 0:
		m.set.hub.post(api.Event{ServedGone: m.id})
	default:
		s := m.seen()
		m.set.hub.post(api.Event{Served: &s})
	}
}

// served is the master as clients of ours see it.
func (m *master) served() api.Served {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen()
}

// seen is served for a caller who holds mu.
func (m *master) seen() api.Served {
	s := api.Served{Link: m.id, Host: api.Printable(m.host.Name), Path: m.path, Since: m.since, Clients: []api.Guest{}}
	for _, g := range m.guests {
		s.Clients = append(s.Clients, *g)
	}
	return s
}

// OpenSession implements mux.Handler.
func (m *master) OpenSession(ctx context.Context, s *mux.Session) (status int, err error) {
	defer m.attend(api.Guest{PID: s.PID, What: api.GuestSession})()
	status, err = m.Channels.OpenSession(ctx, s)
	if m.ctx.Err() != nil || m.conn.Err() != nil {
		m.hush() // who asks why the session has ended finds no master any more
	}
	return status, err
}

// StdioForward implements mux.Handler.
func (m *master) StdioForward(ctx context.Context, f *mux.StdioForward) error {
	defer m.attend(api.Guest{PID: f.PID, What: api.GuestForward, To: api.Printable(f.To.String())})()
	return m.Channels.StdioForward(ctx, f)
}

// Proxy implements mux.Handler.
func (m *master) Proxy(ctx context.Context, c net.Conn) error {
	defer m.attend(api.Guest{PID: brisk.PeerPID(c), What: api.GuestProxy})()
	return m.Channels.Proxy(ctx, c)
}

// Info implements mux.Handler. Our own sessions and tunnels are not among the
// channels: nobody has opened them here.
func (m *master) Info(ctx context.Context, what string) (string, bool) {
	switch what {
	case "connection":
		return m.conn.Information(ctx), true
	case "channels":
		return m.channels(), true
	}
	return "", false
}

// channels lists what is open, in the form of channel_open_message (channels.c).
func (m *master) channels() string {
	lines := []string{"The following connections are open:"}
	for _, g := range m.served().Clients {
		kind := map[api.GuestKind]string{api.GuestSession: "client-session", api.GuestForward: "stdio-forward", api.GuestProxy: "mux-proxy"}[g.What]
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  #%d %s %s", len(lines)-1, kind, g.To), " "))
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// errNobody is that nobody is there to ask.
var errNobody = errors.New("nobody looks at sallyport")

// Confirm implements mux.Handler. A client waits for no person who is not
// there: it is refused, as ssh does without a program to ask with, and
// connects by itself (ask_permission in readpass.c).
func (m *master) Confirm(ctx context.Context, q mux.Question) bool {
	if !m.asks || q.Kind == mux.AskForward && m.set.forwards.has(m.link, tunnelSpec(q.Forward)) {
		return true
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	deserted := m.set.hub.nobody()
	go func() { // ends with ctx
		select {
		case <-deserted:
			cancel(errNobody)
		case <-ctx.Done():
		}
	}()
	chain, _ := m.link.Way()
	s := m.link.Status()
	answer, err := m.set.questions.Ask(ctx, transport.Question{
		Kind: transport.AskShare, Link: m.id, Host: s.Host, Address: s.Address, Login: s.Address,
		Hop: len(chain), Hops: len(chain), Goal: s.Host, Try: 1,
		Title: q.For(m.host.Name), Choices: []string{transport.AcceptOnce, transport.Refuse},
	})
	if errors.Is(err, errNobody) {
		message := fmt.Sprintf("%s: a client of ssh was refused: %v", api.Printable(s.Host), err)
		m.set.hub.post(api.Event{Log: &api.Entry{Time: time.Now(), Host: s.Host, Message: message}})
	}
	return err == nil && answer.Choice == transport.AcceptOnce
}

// Forward implements mux.Handler: the forward is a tunnel of the link.
func (m *master) Forward(ctx context.Context, f mux.Forward) (port int, err error) {
	status, err := m.set.forwards.lend(ctx, m.link, tunnelSpec(f))
	switch {
	case err != nil && f.Type == mux.Remote:
		return 0, fmt.Errorf("remote port forwarding failed for listen port %d", f.Listen.Port)
	case err != nil:
		return 0, errors.New("Port forwarding failed") // as mux.c has it
	}
	return status.Allocated, nil
}

// CancelForward implements mux.Handler.
func (m *master) CancelForward(_ context.Context, f mux.Forward) error {
	if m.set.forwards.takeBack(m.link, tunnelSpec(f)) != nil {
		return errors.New("port not forwarded")
	}
	return nil
}

// listenFar is mux.Channels.Listen.
func (m *master) listenFar(ctx context.Context, network, address string, come func(mux.Arrival)) (port int, end func(), err error) {
	l, err := m.conn.Listen(ctx, network, address)
	if err != nil {
		return 0, nil, err
	}
	go func() { // ends with l, with the connection or with ctx
		for {
			offer, err := l.Accept(ctx)
			if err != nil {
				return
			}
			kind, data := offer.Request()
			come(mux.Arrival{
				Kind: kind, Data: data, Refuse: offer.Refuse,
				Accept: func(ctx context.Context) (mux.Stream, error) { return offer.Accept(ctx) },
			})
		}
	}()
	return l.Port(), l.Close, nil
}

// afterStop is how long a connection that nobody can come to is kept, so that
// the client that has ended the listening gets its answer.
const afterStop = time.Second

// StopListening implements mux.Handler: nobody comes any more. A connection
// that ControlPersist kept ends with what is open on it (client_stop_mux in
// clientloop.c).
func (m *master) StopListening(context.Context) error {
	m.hush()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listener = nil
	if m.forever || m.limit > 0 {
		m.limit, m.forever = afterStop, false
	}
	m.settle()
	m.tell()
	return nil
}

// Exit implements mux.Handler: the connection ends, and with it what clients
// have opened.
func (m *master) Exit() {
	m.link.Close()
	m.set.forwards.takeBackAll(m.link)
}

// tunnelSpec is a client's forward as ours.
func tunnelSpec(f mux.Forward) tunnels.Spec {
	spec := tunnels.Spec{Listen: tunnelAddress(f.Listen)}
	switch f.Type {
	case mux.Local:
		spec.Kind = tunnels.Local
	case mux.Remote:
		spec.Kind = tunnels.Remote
	case mux.Dynamic:
		spec.Kind = tunnels.Dynamic
	}
	if !f.Socks() {
		spec.Connect = tunnelAddress(f.Connect)
	}
	return spec
}

func tunnelAddress(a mux.Address) tunnels.Address {
	return tunnels.Address{Network: a.Network(), Host: a.Host, Port: a.Port, Path: a.Path}
}

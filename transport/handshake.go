package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// clientVersion is our version line (RFC 4253 section 4.2). It names no
// version, so no server needs to know bugs by it.
const clientVersion = "SSH-2.0-Sallyport"

// versionFor is clientVersion with what VersionAddendum says for a host, but for
// control characters, which have no place in the line (RFC 4253 section 4.2).
func versionFor(h *config.Host) string {
	addendum := h.Get("VersionAddendum")
	if addendum == "" || strings.EqualFold(addendum, "none") {
		return clientVersion
	}
	return clientVersion + " " + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, addendum)
}

// bannerLimit is how much of a server's banner is kept, in bytes.
const bannerLimit = 8 << 10

// silence is the cause of a phase that was cut short because nothing came.
type silence struct {
	to    string // what nobody answered
	limit time.Duration
}

// toConnection is what silence has nobody answer before there are bytes.
const toConnection = "to the connection"

func (s silence) Error() string { return fmt.Sprintf("no answer %s within %s", s.to, s.limit) }

// handshake speaks SSH on raw until the login is done. Banner and key
// exchange are limited in time; from the host key on a person may be asked,
// so only ctx ends it. raw is closed on failure.
func (c dialCall) handshake(ctx context.Context, raw net.Conn, trust *hostKeys, login *auth) (*Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limits := newPhaseLimits(c.exchangeLimit(), cancel)
	defer limits.stop()

	w := newWire(raw)
	w.spoke = c.endWay
	login.lost, login.answered, login.proof = w.lost, limits.answered, w.proof
	login.cut = func() { w.Close() } // whoever reads has the error
	c.step(stepExchange)
	c.trace(1, "Local version string %s", versionFor(c.host()))
	c.trace(1, "Authenticating to %s:%d as '%s'", c.host().HostName(), c.host().Port(), c.host().User())
	offers := newHostKeyOffers()
	client, err := c.negotiate(ctx, w, login, c.clientConfig(trust, login, limits), offers)
	c.tellOf(trust)
	if err != nil {
		defer w.Close()
		return nil, c.orBeyond(err, c.explainHandshake(ctx, err, w, login))
	}
	w.settle()
	c.showRest(login)
	c.traceAgreed(client)
	c.tellOfKeys(login)
	c.tell(func() { login.pending.giveAll(&c.link.kept) })
	login.succeeded(c.reached(raw))

	conn := newConn(client, w, config.Printable(c.host().Name), c.via)
	conn.qos, conn.rekey = qosOf(c.host()), rekeyLimit(c.host())
	if !c.lane {
		c.furnish(conn, login)
		c.learnHostKeys(conn, trust, offers)
	}
	c.link.set.wg.Go(func() { // ends with conn
		conn.keepAlive(pulseOf(c.host()), func(d time.Duration) {
			conn.lanes.measured(d)
			c.link.measured(conn, d)
		})
	})
	return conn, nil
}

// furnish gives a connection what the link's set wants of it.
func (c dialCall) furnish(conn *Conn, login *auth) {
	o := c.link.set.options
	conn.spare.on = o.Spare
	if o.Lanes && login.effortless() {
		c.allowLanes(conn)
	}
}

// traceAgreed tells what both sides have agreed on.
func (c dialCall) traceAgreed(client *ssh.Client) {
	c.traceVersion(string(client.ServerVersion()))
	agreed, ok := client.Conn.(ssh.AlgorithmsConnMetadata)
	if !ok {
		return
	}
	a := agreed.Algorithms()
	c.trace(1, "kex: algorithm: %s", a.KeyExchange)
	c.trace(1, "kex: host key algorithm: %s", a.HostKey)
	c.trace(1, "kex: server->client cipher: %s MAC: %s compression: none", a.Read.Cipher, cmp.Or(a.Read.MAC, "<implicit>"))
	c.trace(1, "kex: client->server cipher: %s MAC: %s compression: none", a.Write.Cipher, cmp.Or(a.Write.MAC, "<implicit>"))
}

// traceVersion tells of a server's version line (RFC 4253 section 4.2).
func (c dialCall) traceVersion(line string) {
	protocol, software, _ := strings.Cut(strings.TrimPrefix(line, "SSH-"), "-")
	c.trace(1, "Remote protocol version %s, remote software version %s", protocol, software)
}

// tellOf says what there is to say of the host key, which is true of a login
// that fails too: a new key has been written down.
func (c dialCall) tellOf(trust *hostKeys) {
	for _, said := range trust.heard() {
		c.link.set.options.Log.Warn("host key", "host", c.link.name(), "notice", config.Printable(said))
		c.show(said)
	}
}

// warnOfExchange says of a key exchange that a quantum computer could undo what
// ssh says since 10.1 (warn_nonpq_kex, sshconnect.c).
func (c dialCall) warnOfExchange(method string) {
	safe := strings.HasPrefix(method, "mlkem768") || strings.HasPrefix(method, "sntrup761")
	if safe || c.lane || c.host().Get("WarnWeakCrypto") != "yes" {
		return
	}
	c.show("** WARNING: connection is not using a post-quantum key exchange algorithm.\n" +
		"** This session may be vulnerable to \"store now, decrypt later\" attacks.\n" +
		"** The server may need to be upgraded. See https://openssh.com/pq.html")
}

// tellOfKeys says what there is to say of keys, once another has logged in: a
// failure explains it. Who is told each step has had it in ssh's words, and a
// further connection of a link has nothing to say that is new.
func (c dialCall) tellOfKeys(login *auth) {
	if c.traced() || c.lane {
		return
	}
	for _, said := range login.notices {
		c.link.set.options.Log.Warn("key file", "host", c.link.name(), "notice", said)
		c.show(said)
	}
	c.tell(func() { c.link.owned.notice = strings.Join(login.notices, "\n") })
}

// reached is the address that answered, as ssh's debug lines have it.
func (c dialCall) reached(raw net.Conn) string {
	at, direct := raw.RemoteAddr().(*net.TCPAddr)
	if !direct || c.link.via != nil {
		return "via proxy"
	}
	return fmt.Sprintf("[%s]:%d", at.IP, at.Port)
}

// beyond is the failure of a handshake for lack of an algorithm that OpenSSH
// has, before anybody has tried to log in, or of a login by a password that has
// expired, which OpenSSH asks for anew.
type beyond struct {
	*Failure
	demand demand
}

// orBeyond is f, or that OpenSSH would do better.
func (c dialCall) orBeyond(err error, f *Failure) error {
	var common *ssh.AlgorithmNegotiationError
	if f.Code == CodeAuth && wantsNewPassword(err) {
		return beyond{f, demand{"PasswordAuthentication", "a password that has expired"}}
	}
	if !errors.As(err, &common) {
		return f
	}
	if d, ok := demandOfServer(c.host(), common); ok {
		return beyond{f, d}
	}
	return f
}

// negotiate runs the handshake of x/crypto, which knows no context, until ctx
// ends. What still runs then ends with the bytes below: on a hop behind a
// silent bastion that is when the bastion's connection ends.
func (c dialCall) negotiate(ctx context.Context, w *wire, login *auth, cfg *ssh.ClientConfig, offers hostKeyOffers) (*ssh.Client, error) {
	type greeted struct {
		client *ssh.Client
		err    error
	}
	came := make(chan greeted, 1)
	c.link.set.wg.Go(login.readKeys) // the server has its version to tell, and its keys to make
	c.link.set.wg.Go(func() {
		conn, channels, requests, err := ssh.NewClientConn(w, hostPort(c.host()), cfg)
		if err != nil {
			came <- greeted{nil, err}
			return
		}
		came <- greeted{ssh.NewClient(conn, channels, offers.from(requests)), nil}
	})
	select {
	case g := <-came:
		return g.client, g.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// clientConfig is what x/crypto needs to know.
func (c dialCall) clientConfig(trust *hostKeys, login *auth, limits *phaseLimits) *ssh.ClientConfig {
	h := c.host()
	return &ssh.ClientConfig{
		Config:            algorithmsOf(h),
		User:              h.User(),
		ClientVersion:     versionFor(h),
		HostKeyAlgorithms: trust.algorithms(),
		HostKeyCallback:   c.check(trust, limits),
		AuthCallback: func(sofar *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			if len(sofar.TriedMethods)+len(sofar.PartialSuccessMethods) == 1 { // "none" alone
				c.tellOf(trust)
				c.warnOfExchange(sofar.Algorithms.KeyExchange)
			}
			return login.next(sofar)
		},
		BannerCallback: func(text string) error { c.show(text); login.banner(text); return nil },
	}
}

// check has trust judge the host key, which may ask a person. Later key
// exchanges come here too; trust knows the key then.
func (c dialCall) check(trust *hostKeys, limits *phaseLimits) ssh.HostKeyCallback {
	return func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		limits.exchanged()
		c.step(stepHostKey)
		if err := trust.check(hostname, remote, key); err != nil {
			return err
		}
		limits.trusted()
		c.step("authentication")
		return nil
	}
}

// show keeps what the server, or we, have to say about a login.
func (c dialCall) show(text string) {
	c.tell(func() { c.link.addBanner(text) })
}

// showRest shows what the server said for a question that never came. The
// handshake has ended.
func (c dialCall) showRest(login *auth) {
	if len(login.unshown) > 0 {
		c.show(strings.Join(login.unshown, "\n"))
	}
}

// addBanner adds to what is shown of a connection's beginning.
func (l *Link) addBanner(text string) {
	if len(l.owned.banner) >= bannerLimit {
		return
	}
	shown := printableLines(text)
	if l.owned.banner != "" {
		shown = l.owned.banner + "\n" + shown
	}
	l.owned.banner = strings.ToValidUTF8(shown[:min(len(shown), bannerLimit)], "")
	l.publish()
}

package sessions

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/rfc4254"
	"sallyport/transport"
)

// X11 is which displays are forwarded.
type X11 string

const (
	NoX11         X11 = "no"      // ssh -x
	ConfiguredX11 X11 = "yes"     // ssh -X: trusted as ForwardX11Trusted has it
	TrustedX11    X11 = "trusted" // ssh -Y
)

// display is an X server of the caller's that is lent to the far side. The
// far side gets a made-up cookie: who shows it is let in with the real one.
type display struct {
	name     string // DISPLAY
	screen   uint32
	protocol string
	real     []byte
	madeUp   []byte
	expires  time.Time // zero for never
}

// lendDisplay lends the caller's display if how says so. Its cookies come from
// xauth.
func (l *lender) lendDisplay(ctx context.Context, how X11, host *config.Host, env transport.Env) {
	name := env.Get("DISPLAY")
	if how != ConfiguredX11 && how != TrustedX11 || name == "" {
		return
	}
	if !validDisplay(name) {
		l.caution(logInfo, "DISPLAY %q invalid; disabling X11 forwarding", name)
		return
	}
	d := &display{name: name, screen: screenOf(name)}
	x := xauth{program: host.Get("XAuthLocation"), display: name, env: env}
	if how == TrustedX11 || host.Get("ForwardX11Trusted") == "yes" {
		l.trust(ctx, d, x)
	} else if !l.distrust(ctx, d, x, seconds(host.Get("ForwardX11Timeout"))) {
		return
	}
	d.madeUp = random(len(d.real))
	l.display = d
}

// trust gives clients the cookie of the caller's own. Where xauth has none the
// X server decides by other means.
func (l *lender) trust(ctx context.Context, d *display, x xauth) {
	var found bool
	if d.protocol, d.real, found = x.list(ctx); !found {
		l.caution(logInfo, "Warning: No xauth data; using fake authentication data for X11 forwarding.")
		d.protocol, d.real = magicCookie, random(cookieSize)
	}
}

// distrust gives clients a cookie that the X server trusts little and not for
// long; without one there is no forwarding.
func (l *lender) distrust(ctx context.Context, d *display, x xauth, limit time.Duration) (found bool) {
	if limit > 0 {
		d.expires = time.Now().Add(limit + time.Second)
	}
	if d.protocol, d.real, found = x.generate(ctx, limit); !found {
		l.caution(logError, "Warning: untrusted X11 forwarding setup failed: xauth key data not generated")
	}
	return found
}

// validDisplay is client_x11_display_valid of clientloop.c: what is not in
// these characters could be meant for a shell.
func validDisplay(name string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-_"
	return strings.Trim(name, plain) == ""
}

// screenOf is the 1 of "host:0.1", 0 where none is named.
func screenOf(name string) uint32 {
	_, number, _ := strings.Cut(name, ":")
	_, screen, _ := strings.Cut(number, ".")
	n, err := strconv.ParseUint(screen, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// seconds is a time of the configuration; config has refused what is none.
func seconds(value string) time.Duration {
	n, err := strconv.Atoi(value)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // it never fails
	return b
}

func (d *display) request() rfc4254.X11 {
	return rfc4254.X11{Protocol: d.protocol, Cookie: hex.EncodeToString(d.madeUp), Screen: d.screen}
}

func (d *display) expired() bool { return !d.expires.IsZero() && !time.Now().Before(d.expires) }

// knows tells whether a client of X shows the cookie that was made up.
func (d *display) knows(s setup) bool {
	return s.protocol() == d.protocol && subtle.ConstantTimeCompare(s.cookie(), d.madeUp) == 1
}

// x11 serves one client of X on the far side: x11_open_helper of channels.c.
func (p *peers) x11(c ssh.NewChannel) {
	if len(p.those(func(s *lender) bool { return s.display != nil })) == 0 {
		p.unasked(c, "X11", func(l lent) bool { return l.display })
		return
	}
	lenders := p.those(func(s *lender) bool { return s.display != nil && !s.display.expired() })
	if len(lenders) == 0 {
		for _, s := range p.those(func(s *lender) bool { return s.display != nil }) {
			s.caution(logVerbose, "Rejected X11 connection after ForwardX11Timeout expired")
		}
		refuse(c)
		return
	}
	far, requests, err := c.Accept()
	if err != nil {
		return // the connection has ended
	}
	go ssh.DiscardRequests(requests) // ends with the channel
	near, err := admit(far, lenders)
	if err != nil {
		for _, s := range lenders {
			s.caution(logInfo, "%v", err)
		}
		_ = far.Close() // it was not let in
		return
	}
	splice(far, near)
}

// admit reads the first packet of a client of X, and passes it on with the
// real cookie to the display whose made-up one it shows.
func admit(far ssh.Channel, lenders []*lender) (net.Conn, error) {
	packet, err := readSetup(far)
	if err != nil {
		return nil, err
	}
	for _, s := range lenders {
		if !s.display.knows(packet) {
			continue
		}
		near, err := dialDisplay(s.display.name)
		if err != nil {
			return nil, err
		}
		copy(packet.cookie(), s.display.real)
		if _, err := near.Write(packet); err != nil {
			_ = near.Close() // the X server does not want it
			return nil, err
		}
		return near, nil
	}
	return nil, errWrongCookie
}

// firstX11Port is that of display 0 over TCP (X11_BASE_PORT).
const firstX11Port = 6000

// dialDisplay is x11_connect_display of channels.c: a socket that launchd of
// macOS names, a local display, or one over TCP.
func dialDisplay(name string) (net.Conn, error) {
	if strings.HasPrefix(name, "/") {
		return dial("unix", launchdSocket(name))
	}
	i := strings.LastIndexByte(name, ':')
	if i < 0 {
		return nil, fmt.Errorf("could not find ':' in DISPLAY: %s", name)
	}
	host := name[:i]
	number, _, _ := strings.Cut(name[i+1:], ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("could not parse display number from DISPLAY: %s", name)
	}
	if host != "" && host != "unix" {
		return dial("tcp", net.JoinHostPort(host, strconv.FormatUint(firstX11Port+n, 10)))
	}
	path := fmt.Sprintf("/tmp/.X11-unix/X%d", n)
	if runtime.GOOS == "linux" { // an abstract socket first
		if c, err := dial("unix", "@"+path); err == nil {
			return c, nil
		}
	}
	return dial("unix", path)
}

// launchdSocket is the path in a DISPLAY of launchd, which may end in a
// screen.
func launchdSocket(name string) string {
	if _, err := os.Stat(name); err != nil {
		if i := strings.LastIndexByte(name, '.'); i > 0 {
			return name[:i]
		}
	}
	return name
}

package transport

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// Information tells of the connection what ~I and "ssh -O conninfo" tell since
// OpenSSH 10.3, in their form, as far as it is known: x/crypto/ssh counts no
// packets, and of an OpenSSH older than that nothing is known. Each line ends in
// CR and LF, and nothing in it moves a terminal.
func (c *Conn) Information(ctx context.Context) string {
	if c.master != nil {
		return c.master.information(ctx)
	}
	var b strings.Builder
	say := func(format string, args ...any) {
		b.WriteString(config.Printable(fmt.Sprintf(format, args...)) + "\r\n")
	}
	say("%s", aboutConnection(os.Getpid()))
	say("  versions %s -> %s", software(c.client.ClientVersion()), software(c.client.ServerVersion()))
	if near, far, direct := c.ends(); direct {
		say("  tcp %s -> %s", near, far)
	}
	say("  duration %s", timeframe(time.Since(c.born)))
	if agreed, ok := c.client.Conn.(ssh.AlgorithmsConnMetadata); ok {
		a := agreed.Algorithms()
		say("  kexalgorithm %s", a.KeyExchange)
		say("  hostkeyalgorithm %s", a.HostKey)
		say("  cipher %s", a.Read.Cipher)
		say("  mac %s", cmp.Or(a.Read.MAC, "<implicit>"))
		say("  compression none")
		say("  rekey %s interval none", rekeyWords(c.rekey, a.Read.Cipher))
	}
	sent, received := c.Carried()
	say("  traffic %sB in, %sB out", scaled(received), scaled(sent))
	return b.String()
}

// aboutConnection is the first line, which names this machine.
func aboutConnection(pid int) string {
	name, err := os.Hostname()
	if err != nil {
		name = "this machine"
	}
	return fmt.Sprintf("Connection information for %s pid %d", name, pid)
}

// software is a version line without the version of the protocol.
func software(version []byte) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(string(version), "SSH-"), "-")
	return rest
}

// ends are those of a TCP connection from here.
func (c *Conn) ends() (near, far net.Addr, direct bool) {
	if c.via != nil {
		return nil, nil, false
	}
	far = c.wire.RemoteAddr()
	_, direct = far.(*net.TCPAddr)
	return c.wire.LocalAddr(), far, direct
}

// rekeyWords are the bytes of RekeyLimit in the blocks of a cipher, in which
// OpenSSH counts; of GCM and CTR they have 16 bytes.
func rekeyWords(limit uint64, cipher string) string {
	if limit == 0 {
		return "limit none"
	}
	block := uint64(16)
	if strings.HasPrefix(cipher, "chacha20") || strings.HasPrefix(cipher, "3des") {
		block = 8
	}
	return fmt.Sprintf("limit blocks %d", limit/block)
}

// timeframe is fmt_timeframe of misc.c.
func timeframe(d time.Duration) string {
	seconds := int(d.Seconds())
	minutes, hours := seconds/60, seconds/3600
	days, weeks := hours/24, hours/24/7
	switch {
	case weeks > 0:
		return fmt.Sprintf("%02dw%dd%02dh", weeks, days%7, hours%24)
	case days > 0:
		return fmt.Sprintf("%dd%02dh%02dm", days, hours%24, minutes%60)
	}
	return fmt.Sprintf("%02d:%02d:%02d", hours, minutes%60, seconds%60)
}

// scaled is fmt_scaled(3): 512, 3.7K, 120M.
func scaled(n int64) string {
	f, unit := float64(n), ""
	for _, next := range []string{"K", "M", "G", "T", "P", "E"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, next
	}
	if unit == "" || f >= 100 {
		return fmt.Sprintf("%.0f%s", f, unit)
	}
	return fmt.Sprintf("%.1f%s", f, unit)
}

// informLimit is how long an OpenSSH is waited for.
const informLimit = 2 * time.Second

// information asks the OpenSSH whose connection it is.
func (m *master) information(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, informLimit)
	defer cancel()
	text, err := m.client.Info(ctx, "connection")
	if err != nil {
		pid, _ := m.client.Alive(ctx) // 0 of one that has gone
		return config.Printable(aboutConnection(pid)) + "\r\n"
	}
	return text
}

package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// failure dials name of the network and wants it to fail.
func (n *network) failure(t *testing.T, name string) *Failure {
	t.Helper()
	links := NewLinks(newWatch().options())
	defer links.Close()
	c, err := links.Get(plan(t, n.load(t), name), Env{"PATH=/usr/bin:/bin", "SHELL=/bin/sh"}).Conn(soon(t))
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("Conn: %v, %v", c, err)
	}
	return f
}

// badServer is a server of x/crypto that lets nobody in, or does worse.
func badServer(signer ssh.Signer, change func(*ssh.ServerConfig)) func(net.Conn) {
	return func(c net.Conn) {
		cfg := &ssh.ServerConfig{
			PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, errors.New("no") },
		}
		cfg.AddHostKey(signer)
		if change != nil {
			change(cfg)
		}
		conn, channels, requests, err := ssh.NewServerConn(c, cfg)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests) // ends with the connection
		for ch := range channels {
			_ = ch.Reject(ssh.ConnectionFailed, "no\x1b]52;c;x\x07 such thing") // the connection may have ended
		}
		_ = conn.Wait() // any end is as good
	}
}

func TestFailuresSayWhatHappened(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	for _, test := range []struct {
		name    string
		serve   func(net.Conn) // nil for a port on which nobody listens
		options []string
		code    string
		message []string
		hint    string
	}{
		{
			name: "nobody listens", code: CodeUnreachable,
			message: []string{`connecting to "h": 127.0.0.1 port %P: connection refused`},
			hint:    "Port is set at ",
		},
		{
			name: "the name is not known", code: CodeUnreachable,
			options: []string{"HostName no-such-host.invalid"},
			message: []string{`connecting to "h": `, `the name "no-such-host.invalid"`},
			hint:    "HostName is set at ",
		},
		{
			name: "hang after accept", code: CodeTimeout, serve: silentServer,
			options: []string{"ConnectTimeout 1"},
			message: []string{"accepted the connection but said nothing within 1s"},
		},
		{
			name: "hang after the version line", code: CodeTimeout,
			serve:   func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-x\r\n"); silentServer(c) },
			options: []string{"ConnectTimeout 1"},
			message: []string{"no answer to the key exchange within 1s"},
		},
		{
			name: "closed before the version line", code: CodeClosed, serve: say(""),
			message: []string{"closed the connection before saying anything"},
			hint:    "MaxStartups",
		},
		{
			name: "a web server", code: CodeNotSSH, serve: say("HTTP/1.1 400 Bad Request\r\n\r\n"),
			message: []string{`answered "HTTP/1.1 400 Bad Request", which is not SSH`},
			hint:    "Port is set at ",
		},
		{
			name: "escape sequences instead of a version line", code: CodeNotSSH, serve: say("\x1b]52;c;eA==\x07\x1b[2J\n"),
			message: []string{"which is not SSH"},
		},
		{
			name: "protocol 1", code: CodeNotSSH, serve: say("SSH-1.5-old\n"),
			message: []string{`speaks only protocol 1 ("SSH-1.5-old")`},
		},
		{
			name: "garbage after the version line", code: CodeClosed, serve: say("SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff"),
			message: []string{`connecting to "h": `},
		},
		{
			name: "nothing in common", code: CodeAlgorithms,
			serve:   badServer(signer, func(c *ssh.ServerConfig) { c.KeyExchanges = []string{ssh.InsecureKeyExchangeDH14SHA1} }),
			message: []string{"no key exchange in common: the server offers diffie-hellman-group14-sha1", "we offer mlkem768x25519-sha256,"},
			hint:    "sallyport host edit h --set KexAlgorithms=+diffie-hellman-group14-sha1",
		},
		{
			name: "an unknown host key", code: "hostkey-unknown",
			serve:   badServer(signer, nil),
			options: []string{"HostKeyAlias never-seen"},
			message: []string{`connecting to "h": `},
		},
		{
			name: "a refused login", code: CodeAuth, serve: badServer(signer, nil),
			message: []string{`connecting to "h": `, "publickey"},
		},
		{
			name: "a ProxyCommand that dies", code: CodeProxyCommand,
			options: []string{`ProxyCommand sh -c 'echo first >&2; printf "no \033[31mway" >&2; exit 3'`},
			message: []string{`connecting to "h": the ProxyCommand ended with exit status 3: no `, "[31mway"},
			hint:    "ProxyCommand is set at ",
		},
		{
			name: "a ProxyCommand that is not there", code: CodeProxyCommand,
			options: []string{"ProxyCommand /no/such/program %h"},
			message: []string{"the ProxyCommand ended with exit status 127", "/no/such/program"},
		},
		{
			name: "a ProxyCommand with an exec too many", code: CodeProxyCommand,
			options: []string{"ProxyCommand exec nc %h %p"},
			message: []string{"the ProxyCommand ended with exit status 127"},
			hint:    `take the "exec" out`,
		},
		{
			name: "an interface that is not there", code: CodeConfig,
			options: []string{"BindInterface nosuch0"},
			message: []string{`BindInterface "nosuch0"`},
			hint:    "BindInterface is set at ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			port := sshtest.FreePort(t)
			if test.serve != nil {
				port = serve(t, test.serve)
			}
			n.know(t, port, signer.PublicKey())
			if len(test.options) > 0 && strings.HasPrefix(test.options[0], "HostName") {
				fmt.Fprintf(&n.config, "Host h\n\t%s\n", test.options[0])
			} else {
				n.host("h", port, test.options...)
			}
			f := n.failure(t, "h")
			if f.Code != test.code || f.Hop != "h" || f.At.IsZero() {
				t.Errorf("the failure is %+v", f)
			}
			for _, part := range test.message {
				if part = strings.ReplaceAll(part, "%P", fmt.Sprint(port)); !strings.Contains(f.Message, part) {
					t.Errorf("the message lacks %q: %s", part, f.Message)
				}
			}
			if !strings.Contains(f.Hint, test.hint) {
				t.Errorf("the hint lacks %q: %s", test.hint, f.Hint)
			}
			if config.Printable(f.Message+f.Hint) != f.Message+f.Hint {
				t.Errorf("not printable: %q", f)
			}
		})
	}
}

func TestNoErrorReachesAPersonRaw(t *testing.T) {
	chain := plan(t, load(t, "Host h\n"), "h")
	links := NewLinks(Options{})
	defer links.Close()
	l := links.Get(chain, nil)
	f := dialCall{link: l, route: l.asked()}.explain(errors.New("bad \x1b[2J\u202e"))
	if !strings.HasPrefix(f.Message, `connecting to "h": bad `) || config.Printable(f.Message) != f.Message {
		t.Errorf("the message is %q", f.Message)
	}
}

// A disconnect before the key exchange is written by hand: x/crypto's
// server cannot send one.
func TestWordsOfADisconnectAreMadePrintable(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	const words = "go away \x1b]52;c;eA==\x07\x1b[2J[red]\u202e"
	n := newNetwork(t)
	port := serve(t, func(c net.Conn) {
		fmt.Fprint(c, "SSH-2.0-x\r\n")
		packet := ssh.Marshal(struct {
			Reason        uint32 `sshtype:"1"`
			Message, Lang string
		}{11, words, ""})
		pad := 8 - (5+len(packet))%8 + 8
		framed := append([]byte{0, 0, 0, byte(1 + len(packet) + pad), byte(pad)}, packet...)
		_, _ = c.Write(append(framed, make([]byte, pad)...)) // the client may have gone
		_, _ = io.Copy(io.Discard, c)                        // until it has
	})
	n.know(t, port, signer.PublicKey())
	n.host("h", port)
	f := n.failure(t, "h")
	if f.Code != CodeClosed || !strings.Contains(f.Message, "go away") || config.Printable(f.Message) != f.Message {
		t.Errorf("the failure is %+v", f)
	}
}

func TestAProxyCommandIsHeardWhileItWorks(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	server := n.sshd(t, "plain")
	sshtest.Program(t, "nc")
	word := filepath.Join(n.dir, "word") // once it is there the command goes on
	n.host("h", server.Port, `ProxyCommand sh -c 'printf "log in at \033[2Jhttps://x\nnow\n" >&2; until [ -e `+word+` ]; do sleep 0.02; done; exec nc %h %p'`)
	said := make(chan string, 9)
	for _, row := range []struct {
		name string
		to   io.Writer
	}{{"as a banner", nil}, {"by the standard error of the caller", writes(func(text string) { said <- text })}} {
		t.Run(row.name, func(t *testing.T) {
			os.Remove(word)
			o := newWatch().options()
			o.Stderr = row.to
			links := NewLinks(o)
			defer links.Close()
			l := links.Get(plan(t, n.load(t), "h"), nil)
			up := make(chan error)
			go func() { _, err := l.Conn(soon(t)); up <- err }()
			if row.to == nil {
				want := "log in at " + config.Printable("\x1b[2Jhttps://x") + "\nnow"
				sshtest.Eventually(t, "it is shown", func() bool { return l.Status().Banner == want })
			} else if got, want := <-said, "log in at \x1b[2Jhttps://x\nnow\n"; got != want {
				t.Errorf("%q came, not %q", got, want)
			}
			if err := os.WriteFile(word, nil, 0o600); err != nil {
				t.Error(err)
			}
			if err := <-up; err != nil {
				t.Error(err)
			}
		})
	}
}

// writes is a writer that has a function do it.
type writes func(string)

func (w writes) Write(p []byte) (int, error) { w(string(p)); return len(p), nil }

func TestABannerIsShownWithoutItsEscapes(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	n := newNetwork(t)
	port := serve(t, badServer(signer, func(c *ssh.ServerConfig) {
		c.BannerCallback = func(ssh.ConnMetadata) string { return "Welcome\r\n\x1b[2Jto the cluster\r\n" }
		c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
	}))
	n.know(t, port, signer.PublicKey())
	n.host("h", port)
	links := NewLinks(newWatch().options())
	defer links.Close()
	l := links.Get(plan(t, n.load(t), "h"), nil)
	c, err := l.Conn(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "Welcome\n" + config.Printable("\x1b[2Jto the cluster")
	if got := l.Status().Banner; got != want {
		t.Errorf("the banner is %q, not %q", got, want)
	}

	_, err = c.Dial(soon(t), "tcp", "far:80")
	var f *Failure
	if !errors.As(err, &f) || f.Code != CodeUnreachable || !strings.Contains(f.Message, `"h" cannot reach far:80: "no`) || strings.ContainsAny(f.Message, "\x1b\x07") {
		t.Errorf("Dial: %+v", err)
	}
}

func TestNoLimitOfTimeWhileAPersonIsAsked(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	n := newNetwork(t)
	port := serve(t, badServer(signer, func(c *ssh.ServerConfig) {
		c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
	}))
	n.host("h", port, "ConnectTimeout 1", "StrictHostKeyChecking ask")
	text := strings.Replace(n.config.String(), "StrictHostKeyChecking yes\n", "", 1)
	options := newWatch().options()
	asked := make(chan struct{})
	options.Asker = askerFunc(func(ctx context.Context, q Question) (Answer, error) {
		close(asked)
		select {
		case <-time.After(1500 * time.Millisecond): // longer than ConnectTimeout
			return Answer{Choice: AcceptOnce}, nil
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
	})
	links := NewLinks(options)
	defer links.Close()
	l := links.Get(plan(t, load(t, text), "h"), nil)
	l.Open()
	select {
	case <-asked:
	case <-soon(t).Done():
		t.Fatalf("nobody was asked: %+v", l.Status())
	}
	if s := l.Status(); s.State != Asking {
		t.Errorf("while asking: %+v", s)
	}
	if _, err := l.Conn(soon(t)); err != nil {
		t.Error(err)
	}
}

func TestABastionThatDoesNotAnswerIsNotWaitedForWithoutEnd(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	n := newNetwork(t)
	port := serve(t, func(c net.Conn) {
		cfg := &ssh.ServerConfig{NoClientAuth: true}
		cfg.AddHostKey(signer)
		conn, channels, requests, err := ssh.NewServerConn(c, cfg)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests) // ends with the connection
		for range channels {
		} // neither accepted nor refused
		_ = conn.Wait() // any end is as good
	})
	n.know(t, port, signer.PublicKey())
	n.host("bastion", port)
	n.host("h", port, "ProxyJump bastion", "ConnectTimeout 1")
	f := n.failure(t, "h")
	want := fmt.Sprintf(`connecting to "h" via "bastion": 127.0.0.1 port %d: no answer to the connection within 1s`, port)
	if f.Code != CodeTimeout || f.Message != want {
		t.Errorf("the failure is %+v", f)
	}
}

// TestABastionThatGoesDuringALoginIsNoRefusal has it go while the server
// thinks about a key: what follows is tried again.
func TestABastionThatGoesDuringALoginIsNoRefusal(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	n := newNetwork(t)
	bastions := make(chan *ssh.ServerConn, 1)
	target := serve(t, func(c net.Conn) {
		cfg := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
			(<-bastions).Close()
			return nil, errors.New("too late")
		}}
		cfg.AddHostKey(signer)
		_, _, _, _ = ssh.NewServerConn(c, cfg) // it never comes to be
	})
	port := serve(t, func(c net.Conn) {
		cfg := &ssh.ServerConfig{NoClientAuth: true}
		cfg.AddHostKey(signer)
		conn, channels, requests, err := ssh.NewServerConn(c, cfg)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests) // ends with the connection
		bastions <- conn
		for asked := range channels {
			relay(t, asked, target)
		}
	})
	n.know(t, port, signer.PublicKey())
	n.know(t, target, signer.PublicKey())
	n.host("bastion", port)
	n.host("h", target, "ProxyJump bastion")
	if f := n.failure(t, "h"); f.Code != CodeClosed || strings.Contains(f.Message, "refused") {
		t.Errorf("the failure is %+v", f)
	}
}

// relay takes a channel and leads it to a port.
func relay(t *testing.T, asked ssh.NewChannel, port int) {
	to, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Error(err)
		return
	}
	ch, requests, err := asked.Accept()
	if err != nil {
		to.Close()
		return
	}
	go ssh.DiscardRequests(requests)                // ends with the channel
	go func() { io.Copy(to, ch); to.Close() }()     // ends with the channel
	go func() { io.Copy(ch, to); _ = ch.Close() }() // ends with to
}

func TestCancellingClosesTheConnection(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	took, left := make(chan struct{}), make(chan struct{})
	port := serve(t, func(c net.Conn) {
		close(took)
		_, _ = io.Copy(io.Discard, c) // until it is closed
		close(left)
	})
	n.host("h", port)
	links := NewLinks(newWatch().options())
	defer links.Close()
	ctx, cancel := context.WithCancelCause(soon(t))
	l := links.Get(plan(t, n.load(t), "h"), nil)
	why := errors.New("had enough")
	go func() { <-took; cancel(why) }()
	if _, err := l.Conn(ctx); err != why {
		t.Errorf("Conn: %v", err)
	}
	select {
	case <-left:
	case <-soon(t).Done():
		t.Error("the connection is still open")
	}
}

func TestGreetingIsFoundBehindOtherLines(t *testing.T) {
	for _, test := range []struct {
		said, line string
		isSSH      bool
	}{
		{"", "", false},
		{"hello\r\nworld\n", "hello", false},
		{"note\nSSH-2.0-x y\r\n\x00\x01", "SSH-2.0-x y", true},
	} {
		near, far := net.Pipe()
		w := newWire(near)
		go func() { fmt.Fprint(far, test.said); far.Close() }()
		if _, err := io.Copy(&bytes.Buffer{}, w); err != nil {
			t.Fatal(err)
		}
		if line, isSSH := w.greeting(); line != test.line || isSSH != test.isSSH {
			t.Errorf("%q: %q, %v", test.said, line, isSSH)
		}
	}
}

func FuzzDisconnect(f *testing.F) {
	f.Add("bye", 2)
	f.Add("\"\\\x1b[2J", 11)
	f.Fuzz(func(t *testing.T, words string, number int) {
		if number < 0 {
			return
		}
		reason, message, ok := disconnect(fmt.Errorf("ssh: handshake failed: ssh: disconnect, reason %d: %q", number, words))
		if !ok || reason != number || message != words {
			t.Errorf("%d %q was read as %d %q, %v", number, words, reason, message, ok)
		}
	})
}

package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// hostile is a server that does a login, or what comes after it, badly.
type hostile struct {
	name  string
	block []string
	until string // it behaves until this step of rawSteps, "" for all
	act   func(s *rawServer) error
	code  string
	says  string // part of the message
	open  bool   // somebody wants a session once it has let us in
	stuck bool   // it leaves x/crypto/ssh's goroutines behind, see (*wire).Close
}

func number32(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// message is one of a kind with this body.
func message(kind int, parts ...string) string { return string(rune(kind)) + strings.Join(parts, "") }

// endlessly says the same until nobody listens.
func endlessly(say func() error) error {
	for {
		if err := say(); err != nil {
			return err
		}
	}
}

func TestAHostileServerEndsInAClearMessage(t *testing.T) { // not in parallel: memory and goroutines are counted
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	const success = "success"
	long := strings.Repeat("\x1b[2J", 50_000)
	rows := []hostile{
		{name: "endless lines before the version", until: "the version line", code: CodeNotSSH, says: "no end of text instead of the version line",
			act: func(s *rawServer) error {
				return endlessly(func() error { _, err := io.WriteString(s.conn, strings.Repeat("welcome\r\n", 500)); return err })
			}},
		{name: "an endless line", until: "the version line", code: CodeNotSSH, says: "no end of text instead of the version line",
			act: func(s *rawServer) error {
				return endlessly(func() error { _, err := io.WriteString(s.conn, long); return err })
			}},
		{name: "a huge version line", until: "the version line", code: CodeNotSSH, says: "no end of text instead of the version line",
			act: func(s *rawServer) error { _, err := io.WriteString(s.conn, "SSH-2.0-"+long+"\r\n"); return err }},
		{name: "nothing but empty lines", until: "the version line", code: CodeNotSSH, says: "no end of text instead of the version line",
			act: func(s *rawServer) error {
				return endlessly(func() error { _, err := io.WriteString(s.conn, "\n\n\n\n\n\n\n\n"); return err })
			}},
		{name: "silence in the key exchange", until: "the key exchange reply", block: []string{"ConnectTimeout 1"}, code: CodeTimeout,
			says: "no answer to the key exchange within 1s", act: (*rawServer).listen},
		{name: "a huge packet", until: "KEXINIT", code: CodeClosed, says: "the server breaks the rules of SSH: invalid packet length",
			act: func(s *rawServer) error { _, err := io.WriteString(s.conn, "\xff\xff\xff\xf0"+long); return err }},
		{name: "algorithms without end", until: "KEXINIT", code: CodeAlgorithms, says: "no key exchange in common",
			act: func(s *rawServer) error {
				many := strings.Repeat("evil\x1b]52;c;x\x07,", 8_000) + "evil"
				return s.send(message(rawKexInit, "0123456789abcdef", sized(many), strings.Repeat(sized("none"), 7), sized(""), sized(""), "\x00\x00\x00\x00\x00"))
			}},
		{name: "a wrong signature in the key exchange", until: "the key exchange reply", code: CodeClosed, says: "the server breaks the rules of SSH: ",
			act: func(s *rawServer) error { s.lie = true; return s.agree() }},
		{name: "nonsense for extensions", until: "SERVICE_ACCEPT", code: CodeClosed, says: "the server breaks the rules of SSH: ",
			act: func(s *rawServer) error { return s.send(message(rawExtInfo, number32(-1), "nonsense")) }},
		{name: "endless banners", until: "the answer to none", code: CodeAuth, says: "the server shows no end of banners (more than 64 KiB)",
			act: func(s *rawServer) error {
				return endlessly(func() error { return s.send(message(rawAuthBanner, sized("buy \x1b[2J"), sized(""))) })
			}},
		{name: "empty banners without end", until: success, code: CodeAuth, says: "the server shows no end of banners (more than 64 KiB)",
			act: func(s *rawServer) error {
				return endlessly(func() error { return s.send(message(rawAuthBanner, sized(""), sized(""))) })
			}},
		{name: "10,000 methods", until: "the answer to none", code: CodeAuth, says: "the login as",
			act: func(s *rawServer) error {
				if _, err := s.receive(); err != nil {
					return err
				}
				return s.refuse(strings.Repeat("\x1b[2J,", 10_000)+"x", 0)
			}},
		{name: "10,000 prompts", until: success, code: CodeAuth, says: "the server asks 10000 things at once, more than 100",
			act: func(s *rawServer) error { return s.prompts(10_000, "Password: ") }},
		{name: "more prompts than there are", until: success, code: CodeAuth, says: "keyboard-interactive",
			act: func(s *rawServer) error {
				if _, err := s.receive(); err != nil {
					return err
				}
				return s.send(message(rawInfoRequest, sized(""), sized(""), sized(""), number32(1<<30), sized("x"), "\x00"))
			}},
		{name: "questions without prompts and without end", until: success, code: CodeAuth, says: "the server does not stop asking (more than 100 questions)",
			act: func(s *rawServer) error { return endlessly(func() error { return s.prompts(0, "") }) }},
		{name: "partial success without end", until: success, code: CodeAuth, says: "the login as",
			act: func(s *rawServer) error {
				return endlessly(func() error {
					if _, err := s.receive(); err != nil {
						return err
					}
					return s.refuse("keyboard-interactive", 1)
				})
			}},
		{name: "partial success without end for a key", until: success, block: []string{"PubkeyAuthentication yes", "KbdInteractiveAuthentication no"},
			code: CodeAuth, says: "the login as",
			act: func(s *rawServer) error {
				for n := 0; ; n++ {
					if _, err := s.receive(); err != nil {
						return err
					}
					if err := s.refuse(fmt.Sprintf("publickey,%d", n), 1); err != nil {
						return err
					}
				}
			}},
		{name: "a disconnect with escape sequences", until: "the answer to none", code: CodeClosed, says: `the server ended the connection: "go `,
			act: func(s *rawServer) error {
				return s.send(message(rawDisconnect, number32(11), sized("go "+long), sized("")))
			}},
		{name: "10,000 requests", open: true, code: CodeClosed, says: `the connection to "h" was closed`,
			act: func(s *rawServer) error {
				for range 10_000 {
					if err := s.send(message(rawGlobalRequest, sized("evil@example.com"), "\x01")); err != nil {
						return err
					}
				}
				return s.conn.Close()
			}},
		{name: "channels that are opened without end", open: true, code: CodeClosed, says: `the connection to "h" was closed`,
			act: func(s *rawServer) error {
				for n := range 10_000 {
					if err := s.send(message(rawChannelOpen, sized("x11"), number32(n), number32(1<<20), number32(1<<15), sized("evil"), number32(1))); err != nil {
						return err
					}
				}
				return s.conn.Close()
			}},
		{name: "a window beyond all", open: true, stuck: true, code: CodeClosed, says: `the connection to "h" `,
			act: func(s *rawServer) error {
				channel, err := s.grant()
				if err != nil {
					return err
				}
				return endlessly(func() error { return s.send(message(rawWindowAdjust, channel, number32(-1))) })
			}},
		{name: "more data than the window", open: true, stuck: true, code: CodeClosed, says: `the connection to "h" `,
			act: func(s *rawServer) error {
				channel, err := s.grant()
				if err != nil {
					return err
				}
				return endlessly(func() error { return s.send(message(rawChannelData, channel, sized(long[:30_000]))) })
			}},
		{name: "a disconnect with escape sequences after the login", open: true, code: CodeClosed, says: `"h" ended the connection: "go `,
			act: func(s *rawServer) error {
				return s.send(message(rawDisconnect, number32(11), sized("go "+long), sized("")))
			}},
	}
	for _, step := range rawSteps {
		closed := hostile{name: "closed before " + step.name, until: step.name, says: "closed the connection", act: func(s *rawServer) error { return s.conn.Close() }}
		garbage := hostile{name: "garbage instead of " + step.name, until: step.name, act: func(s *rawServer) error {
			_, err := io.WriteString(s.conn, strings.Repeat("\x1b[2J\xff\n", 100))
			return err
		}}
		wrong := hostile{name: "another message instead of " + step.name, until: step.name, act: func(s *rawServer) error {
			return s.send(message(rawChannelConfirm, long[:100]))
		}}
		rows = append(rows, closed, garbage, wrong)
	}
	for _, row := range rows {
		before, used := runtime.NumGoroutine(), heapInUse()
		t.Run(row.name, func(t *testing.T) { row.meet(t, signer) })
		if grown := int64(heapInUse()) - int64(used); grown > 32<<20 {
			t.Errorf("%s: %d MiB more are in use", row.name, grown>>20)
		}
		if row.stuck {
			continue
		}
		sshtest.Eventually(t, "no goroutine is left of "+row.name, func() bool { return runtime.NumGoroutine() <= before })
	}
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// meet connects to the server and reads what is said of it.
func (h hostile) meet(t *testing.T, signer ssh.Signer) {
	n := newNetwork(t)
	port := serve(t, func(c net.Conn) {
		s := newRawServer(c, signer)
		if s.behave(h.until) == nil {
			_, _ = h.act(s), s.listen() // until the client has had enough
		}
	})
	n.know(t, port, signer.PublicKey())
	n.host("h", port, append(h.block, "PubkeyAuthentication no", "ConnectTimeout 10")...)
	links := NewLinks(Options{})
	defer links.Close()
	conn, err := links.Get(plan(t, n.load(t), "h"), nil).Conn(soon(t))
	if h.open && err == nil {
		_, _ = conn.NewSession(soon(t)) // what it says, the connection's end says too
		select {
		case <-conn.Done():
			err = conn.Err()
		case <-soon(t).Done():
			t.Fatal("the connection goes on")
		}
	}
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("Conn: %v, %v", conn, err)
	}
	t.Logf("%s: %.300s", f.Code, f.Message)
	if h.code != "" && f.Code != h.code || !strings.Contains(f.Message, h.says) || !strings.Contains(f.Message, `"h"`) {
		t.Errorf("the failure is %q: %.1000q, want %q: %q", f.Code, f.Message, h.code, h.says)
	}
	if said := f.Message + f.Hint; config.Printable(said) != said || strings.ContainsAny(said, "\n\x1b") || len(said) > 16<<10 {
		t.Errorf("this can't be shown (%d bytes): %.1000q", len(said), said)
	}
}

// listen reads until the client has gone.
func (s *rawServer) listen() error {
	_, err := io.Copy(io.Discard, s.in)
	return err
}

// prompts asks so many things (RFC 4256 section 3.2), after a message of the
// client.
func (s *rawServer) prompts(n int, text string) error {
	if _, err := s.receive(); err != nil {
		return err
	}
	return s.send(message(rawInfoRequest, sized("name"), sized("instruction"), sized(""), number32(n), strings.Repeat(sized(text)+"\x00", n)))
}

// grant confirms the next channel that the client opens, and returns its
// number there.
func (s *rawServer) grant() (channel string, err error) {
	for {
		got, err := s.receive()
		if err != nil {
			return "", err
		}
		if got[0] != rawChannelOpen {
			continue
		}
		kind := int(binary.BigEndian.Uint32([]byte(got[1:5])))
		channel = got[5+kind : 9+kind]
		return channel, s.send(message(rawChannelConfirm, channel, number32(7), number32(1<<20), number32(1<<15)))
	}
}

func TestABastionThatAnswersGarbageIsNoWayToAHost(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	n := newNetwork(t)
	port := serve(t, func(c net.Conn) {
		s := newRawServer(c, signer)
		if s.behave("") != nil {
			return
		}
		channel, err := s.grant()
		for err == nil {
			err = s.send(message(rawChannelData, channel, sized("\x1b]52;c;x\x07\x1b[2Jgarbage\r\n")))
		}
	})
	n.know(t, port, signer.PublicKey())
	n.host("bastion", port, "PubkeyAuthentication no")
	n.host("h", port, "ProxyJump bastion")
	f := n.failure(t, "h")
	if f.Code != CodeNotSSH || !strings.HasPrefix(f.Message, `connecting to "h" via "bastion": `) || config.Printable(f.Message) != f.Message {
		t.Errorf("the failure is %+v", f)
	}
}

func TestAQuestionOfAServerIsNoLongerThanAnybodyReads(t *testing.T) {
	t.Parallel()
	signer := sshtest.WriteKey(t, filepath.Join(t.TempDir(), "host"))
	n := newNetwork(t)
	long := strings.Repeat("very \x1b[2J", 10_000)
	port := serve(t, func(c net.Conn) {
		s := newRawServer(c, signer)
		if s.behave("success") == nil && s.prompts(1, long) == nil {
			_ = s.listen() // until the client has gone
		}
	})
	n.know(t, port, signer.PublicKey())
	n.host("h", port, "PubkeyAuthentication no")
	asked := make(chan Question, 1)
	options := newWatch().options()
	options.Asker = askerFunc(func(_ context.Context, q Question) (Answer, error) { asked <- q; return Answer{}, ErrCancelled })
	links := NewLinks(options)
	defer links.Close()
	if c, err := links.Get(plan(t, n.load(t), "h"), nil).Conn(soon(t)); err == nil {
		t.Fatalf("Conn: %v", c)
	}
	q := <-asked
	if text := q.Prompts[0].Text; len(text) > 4*wordsMost || !strings.HasPrefix(text, "very ") || strings.Contains(text, "\x1b") {
		t.Errorf("the prompt has %d bytes: %.100q", len(text), text)
	}
}

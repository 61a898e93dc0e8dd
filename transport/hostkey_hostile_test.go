package transport

import (
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// proofs answers a request for proofs of the keys that were offered.
type proofs func(t *testing.T, session []byte, r *ssh.Request)

// offering is a server that offers host keys, which a real one can't be made
// to do wrongly.
type offering struct {
	offer  []byte
	times  int
	prove  proofs
	hangup bool // instead of proofs
}

func TestHostKeysThatAServerCannotProveAreNotLearned(t *testing.T) {
	t.Parallel()
	mine, stolen := sshtest.NewKey(t), sshtest.NewKey(t)
	offer := offerOf(stolen.PublicKey())
	var many strings.Builder
	for i := range 4_000 { // about as many as a packet holds
		many.WriteString(sized(sized(ssh.KeyAlgoED25519) + sized(fmt.Sprintf("%032d", i))))
	}
	for _, row := range []struct {
		name   string
		server offering
		want   string
	}{
		{"no proof", offering{offer: offer}, "failed to confirm ownership"},
		{"an empty proof", offering{offer: offer, prove: answered("")}, "fewer keys than it offers"},
		{"nonsense", offering{offer: offer, prove: answered("\xff\xff\xff\xffnonsense")}, "fewer keys than it offers"},
		{"nonsense for a signature", offering{offer: offer, prove: answered(sized("nonsense"))}, "bad signature"},
		{"a signature of another key", offering{offer: offer, prove: signed(mine, stolen.PublicKey(), "")}, "bad signature"},
		{"a signature for another session", offering{offer: offer, prove: signed(stolen, stolen.PublicKey(), "another session")}, "bad signature"},
		{"a signature of another key's name", offering{offer: offer, prove: signed(stolen, mine.PublicKey(), "")}, "bad signature"},
		{"a hangup", offering{offer: offer, hangup: true}, "closed"},
		{"the same key twice", offering{offer: append(offer, offer...)}, "comes twice"},
		{"an offer that is cut short", offering{offer: offer[:len(offer)-1]}, "cut short after 0 keys"},
		{"thousands of keys, again and again", offering{offer: []byte(many.String()), times: 30}, "there are more than 256"},
		{"keys of no known type", offering{offer: []byte(strings.Repeat(sized(sized("ssh-future")+"x"), 200))}, ""},
		{"a good proof", offering{offer: offer, prove: signed(stolen, stolen.PublicKey(), "")}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			port := row.server.start(t, mine)
			name := knownName("127.0.0.1", port)
			before := name + " " + keyText(mine.PublicKey()) + "\n"
			file := write(t, filepath.Join(t.TempDir(), "known_hosts"), before)
			h := resolve(t, "HostName 127.0.0.1", "Port "+strconv.Itoa(port), "UserKnownHostsFile "+file, "UpdateHostKeys yes")
			k, err := newHostKeys(t.Context(), h, nil, (&person{}).ask, nil)
			if err != nil {
				t.Fatal(err)
			}
			conn, offers := logInForOffers(t, h, k)
			err = k.learn(soon(t), conn, <-offers, nil)
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("the error is %v, want %q", err, row.want)
			}
			if learned := read(t, file) != before; learned != (row.name == "a good proof") {
				t.Errorf("the file is\n%s", read(t, file))
			}
			if row.server.times > 1 {
				if _, _, err := conn.client.SendRequest("still there", true, nil); err != nil {
					t.Errorf("after all the offers: %v", err)
				}
			}
		})
	}
}

// offerOf is the body of a hostkeys-00 request.
func offerOf(all ...ssh.PublicKey) []byte {
	var offer strings.Builder
	for _, key := range all {
		offer.WriteString(sized(string(key.Marshal())))
	}
	return []byte(offer.String())
}

func answered(reply string) proofs {
	return func(_ *testing.T, _ []byte, r *ssh.Request) { _ = r.Reply(true, []byte(reply)) } // the client may be gone
}

// signed proves with signer that key is ours, for another session than this
// one where that is not empty.
func signed(signer ssh.Signer, key ssh.PublicKey, session string) proofs {
	return func(t *testing.T, current []byte, r *ssh.Request) {
		if session != "" {
			current = []byte(session)
		}
		data := sized(proveRequest) + sized(string(current)) + sized(string(key.Marshal()))
		signature, err := signer.Sign(rand.Reader, []byte(data))
		if err != nil {
			t.Error(err)
			return
		}
		answered(sized(string(ssh.Marshal(signature))))(t, nil, r)
	}
}

// start runs the server for one connection.
func (o offering) start(t *testing.T, hostKey ssh.Signer) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup // waited for in the cleanup
	wg.Go(func() {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		defer raw.Close()
		c := &ssh.ServerConfig{NoClientAuth: true}
		c.AddHostKey(hostKey)
		conn, _, requests, err := ssh.NewServerConn(raw, c)
		if err != nil {
			return
		}
		wg.Go(func() { // ends with the connection
			for range max(o.times, 1) {
				if _, _, err := conn.SendRequest(hostKeysRequest, false, o.offer); err != nil {
					return
				}
			}
		})
		o.serve(t, conn, requests)
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

func (o offering) serve(t *testing.T, conn ssh.Conn, requests <-chan *ssh.Request) {
	for r := range requests {
		switch {
		case r.Type == proveRequest && o.hangup:
			conn.Close()
		case r.Type == proveRequest && o.prove != nil:
			o.prove(t, conn.SessionID(), r)
		case r.WantReply:
			_ = r.Reply(false, nil) // the client may be gone
		}
	}
}

func TestALinkLearnsHostKeys(t *testing.T) {
	t.Parallel()
	mine, second := sshtest.NewKey(t), sshtest.NewKey(t)
	for _, row := range []struct {
		name   string
		server offering
		done   func(file, banner string) bool
	}{
		{"that are proven", offering{offer: offerOf(mine.PublicKey(), second.PublicKey()), prove: signed(second, second.PublicKey(), "")},
			func(file, _ string) bool { return strings.Contains(file, keyText(second.PublicKey())) }},
		{"but not others, and says so", offering{offer: offerOf(mine.PublicKey(), second.PublicKey())},
			func(_, banner string) bool { return strings.Contains(banner, "failed to confirm ownership") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			port := row.server.start(t, mine)
			dir := t.TempDir()
			file := write(t, filepath.Join(dir, "known_hosts"), knownName("127.0.0.1", port)+" "+keyText(mine.PublicKey())+"\n")
			cfg := load(t, "Host wall\nHostName 127.0.0.1\nPort "+strconv.Itoa(port)+"\nUserKnownHostsFile "+file+"\nUpdateHostKeys yes\n")
			links := NewLinks(Options{})
			defer links.Close()
			link := links.Get(plan(t, cfg, "wall"), nil)
			defer link.Hold()()
			if _, err := link.Conn(soon(t)); err != nil {
				t.Fatal(err)
			}
			sshtest.Eventually(t, "it has learned", func() bool { return row.done(read(t, file), link.Status().Banner) })
		})
	}
}

//go:build unix

package transport

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

// drop breaks a connection as a lost network does, and waits for the next.
func drop(t *testing.T, l *Link, c *Conn) *Conn {
	t.Helper()
	c.wire.Close()
	<-c.Done()
	again, err := l.Conn(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// turning is a server whose password and rounds may change between logins.
type turning struct {
	mu  sync.Mutex // guards now
	now castle
}

func (s *turning) set(c castle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = c
}

func (s *turning) config() *ssh.ServerConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.config()
}

func TestAKeptPasswordIsAskedForOnceWhileItsLinkLives(t *testing.T) {
	t.Parallel()
	plain := func(text, want string, echo bool) round {
		return round{"", "", []string{text}, []bool{echo}, []string{want}}
	}
	code := plain("Code: ", "1", true)
	rows := []struct {
		name   string
		first  castle
		then   castle // what it is when the connection comes back; the zero value is the same
		lose   bool   // the person does not want it kept
		answer map[Kind]string
		want   []Kind // of the questions when the connection comes back
	}{
		{"a password", castle{password: "ghost"}, castle{}, false, map[Kind]string{AskPassword: "ghost"}, nil},
		{"a password that is not to be kept", castle{password: "ghost"}, castle{}, true, map[Kind]string{AskPassword: "ghost"}, []Kind{AskPassword}},
		{"a password that PAM asks for", castle{rounds: []round{plain("Password: ", "ghost", false)}}, castle{}, false, map[Kind]string{AskInteractive: "ghost"}, nil},
		{"a password in other words", castle{rounds: []round{plain("Password: ", "ghost", false)}}, castle{rounds: []round{plain("jon@wall's password:", "ghost", false)}}, false,
			map[Kind]string{AskInteractive: "ghost"}, []Kind{AskInteractive}},
		{"a code", castle{rounds: []round{plain("One-time password (OATH) for `jon': ", "1", false)}}, castle{}, false, map[Kind]string{AskInteractive: "1"}, []Kind{AskInteractive}},
		{"a code after a password", castle{rounds: []round{plain("Password: ", "1", false), code}}, castle{}, false, map[Kind]string{AskInteractive: "1"}, []Kind{AskInteractive}},
		{"a password and a code in one form", castle{rounds: []round{{"", "", []string{"Password: "}, []bool{true}, []string{"1"}}}}, castle{}, false,
			map[Kind]string{AskInteractive: "1"}, []Kind{AskInteractive}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := &turning{now: row.first}
			cfg := load(t, "Host wall\n\t"+fmt.Sprintf("HostName 127.0.0.1\n\tPort %d\n", startServer(t, server.config))+restOfBlock)
			asker := newPatient(row.answer)
			asker.keep = !row.lose
			options := newWatch().options()
			options.Asker = asker
			links := NewLinks(options)
			defer links.Close()
			l, c := connected(t, links, plan(t, cfg, "wall"))
			if len(asker.kinds()) == 0 {
				t.Fatal("the first login asked nothing")
			}
			if row.then.rounds != nil {
				server.set(row.then)
			}
			drop(t, l, c)
			if diff := cmp.Diff(row.want, asker.kinds()); diff != "" {
				t.Errorf("the questions (-want +got):\n%s", diff)
			}
			l.Close()
			if _, err := l.Conn(soon(t)); err != nil {
				t.Fatal(err)
			}
			if len(asker.kinds()) == 0 {
				t.Error("the secret has outlived its link")
			}
		})
	}
}

// restOfBlock ends the block of a server in this process.
const restOfBlock = "\tUser jon\n\tIdentityFile none\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null\n\tGlobalKnownHostsFile /dev/null\n"

func TestAKeptPasswordStaysAtItsHop(t *testing.T) {
	t.Parallel()
	asks := castle{rounds: []round{{"", "", []string{"Password: "}, []bool{false}, []string{"ghost"}}}}
	var text strings.Builder
	for _, name := range []string{"bastion", "target"} {
		fmt.Fprintf(&text, "Host %s\n\tHostName 127.0.0.1\n\tPort %d\n%s", name, startServer(t, asks.config), restOfBlock)
	}
	cfg := load(t, text.String())
	asker := newPatient(map[Kind]string{AskInteractive: "ghost"})
	asker.keep = true
	options := newWatch().options()
	options.Asker = asker
	links := NewLinks(options)
	defer links.Close()
	connected(t, links, plan(t, cfg, "target"))
	connected(t, links, plan(t, cfg, "bastion"))
	if diff := cmp.Diff([]Kind{AskInteractive, AskInteractive}, asker.kinds()); diff != "" {
		t.Errorf("the questions of both (-want +got):\n%s", diff)
	}
}

func TestAKeptPasswordThatIsRefusedIsForgotten(t *testing.T) {
	t.Parallel()
	server := &turning{now: castle{password: "old"}}
	cfg := load(t, fmt.Sprintf("Host wall\n\tNumberOfPasswordPrompts 1\n\tHostName 127.0.0.1\n\tPort %d\n", startServer(t, server.config))+restOfBlock)
	asker := newPatient(map[Kind]string{AskPassword: "old"})
	asker.keep = true
	options := newWatch().options()
	options.Asker = asker
	links := NewLinks(options)
	defer links.Close()
	l, c := connected(t, links, plan(t, cfg, "wall"))
	asker.kinds()
	server.set(castle{password: "new"})
	asker.answers[AskPassword] = "new" // nobody asks now
	c = drop(t, l, c)
	if len(asker.asked) != 1 {
		t.Fatalf("%d questions after the password has changed", len(asker.asked))
	}
	if q := <-asker.asked; q.Try != 1 || q.Title != "jon@wall asks for a password." {
		t.Errorf("the question is %+v", q)
	}
	drop(t, l, c)
	if kinds := asker.kinds(); kinds != nil {
		t.Errorf("the new password is not kept: %v", kinds)
	}
}

func TestAPassphraseIsAskedForOnceOnTheWay(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	path := generate(t, n.dir, "locked", "winter", "-t", "ed25519")
	n.write(t, "authorized", text(t, path+".pub"))
	n.sshd(t, "one", "IdentityFile "+path)
	two := n.sshd(t, "two", "ProxyJump one", "IdentityFile "+path)
	cfg := n.load(t)
	for _, row := range []struct {
		name string
		keep bool
		want []Kind // when the second hop comes back
	}{
		{"and again later", false, []Kind{AskPassphrase}},
		{"and not again if it is kept", true, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			asker := newPatient(map[Kind]string{AskPassphrase: "winter"})
			asker.keep = row.keep
			options := newWatch().options()
			options.Asker = asker
			links := NewLinks(options)
			defer links.Close()
			l, c := connected(t, links, plan(t, cfg, "two"))
			if diff := cmp.Diff([]Kind{AskPassphrase}, asker.kinds()); diff != "" {
				t.Errorf("the questions of the chain (-want +got):\n%s", diff)
			}
			if held := links.chains.sharing(); held != 0 {
				t.Errorf("%d chains still share secrets", held)
			}
			two.KillSessions()
			<-c.Done()
			if _, err := l.Conn(soon(t)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, asker.kinds()); diff != "" {
				t.Errorf("the questions afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

// sharing is how many chains are being dialled.
func (cs *chains) sharing() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.dialled)
}

func TestASecretIsWipedWhenItIsDropped(t *testing.T) {
	c := claim{kind: AskPassword, prompt: "Password"}
	for _, size := range []int{0, 1, 9000} {
		var w wallet
		given := bytes.Repeat([]byte{'x'}, size)
		w.put(c, given, true)
		got, _ := w.get(c)
		if got == nil || !bytes.Equal(got, given) {
			t.Errorf("%d bytes come back as %d", size, len(got))
		}
		if other, _ := w.get(claim{kind: AskInteractive, prompt: "Password"}); other != nil {
			t.Errorf("the secret is given away for another question: %q", other)
		}
		wiped := false
		free := w.held[c].free
		kept := w.held[c].text
		w.held[c].free = func() { wiped = bytes.Count(kept, []byte{0}) == len(kept); free() }
		w.wipe()
		if left, _ := w.get(c); !wiped || left != nil {
			t.Errorf("%d bytes: wiped %v, %d left", size, wiped, len(left))
		}
	}
}

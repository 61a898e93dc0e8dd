//go:build unix

package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// failing is a way in which a connection to the host "wall" fails.
type failing struct {
	name   string
	server []string // lines of sshd_config
	block  []string // lines of ssh_config; DIR is where the keys are
	keys   []string // arguments of ssh-keygen for the file id, instead of the key that the server knows
	secret string   // the passphrase of that file
	setUp  func(t *testing.T, s *scene)
	env    Env
	says   map[Kind]string               // the answers of the person
	then   func(*testing.T, *Conn) error // what fails on the connection
	serve  func(net.Conn)                // instead of a real server
	err    error                         // met on the way, where no server can be made to cause it
	hops   bool                          // also as the last and as the middle hop
}

// another is a key that the server does not know.
var another = []string{"-t", "ed25519"}

func TestEachFailureIsExplained(t *testing.T) {
	t.Parallel()
	hostKey := sshtest.NewKey(t)
	rows := []failing{
		// the key
		{name: "the key is not installed", keys: another, hops: true},
		{name: "the key is not installed, and passwords are taken", server: []string{"PasswordAuthentication yes"}, keys: another,
			block: []string{"BatchMode yes"}},
		{name: "the key is not installed, and the password is wrong", server: []string{"PasswordAuthentication yes"}, keys: another,
			says: map[Kind]string{AskPassword: "wrong"}, hops: true},
		{name: "the wrong user, whom the configuration names", block: []string{"User jon"}},
		{name: "the key file is open to others, mode 0777", hops: true, setUp: func(t *testing.T, s *scene) { chmod(t, s.dir+"/id", 0o777) }},
		{name: "authorized_keys there is open to others", server: []string{"StrictModes yes"}, setUp: func(t *testing.T, s *scene) {
			chmod(t, s.dir+"/authorized", 0o666)
		}},
		{name: "the key file is not there", block: []string{"IdentityFile DIR/gone"}, setUp: remove},
		{name: "the key file is no key", setUp: func(t *testing.T, s *scene) { s.write(t, "id", "ssh-ed25519 AAAA jon@wall\n") }},
		{name: "no agent runs", setUp: remove, block: []string{"IdentitiesOnly no"}},
		{name: "the agent is gone", setUp: remove, env: Env{"SSH_AUTH_SOCK=/nonexistent/agent"}},
		{name: "the agent is empty", setUp: func(t *testing.T, s *scene) {
			remove(t, s)
			s.env = append(s.env, "SSH_AUTH_SOCK="+sshtest.Agent(t))
		}},
		{name: "the passphrase is wrong", keys: another, secret: "winter", says: map[Kind]string{AskPassphrase: "summer"}, hops: true,
			setUp: install},
		{name: "the passphrase may not be asked for", keys: another, secret: "winter", block: []string{"BatchMode yes"}, setUp: install},
		{name: "a DSA key", setUp: func(t *testing.T, s *scene) { s.write(t, "id", text(t, "testdata/dsa")) }}, // ssh-keygen 10 makes none
		{name: "RSA by SHA-1, which the server refuses", keys: rsaKey, block: []string{"PubkeyAcceptedAlgorithms ssh-rsa"}, setUp: install},
		{name: "a server that takes no keys of this type", server: []string{"PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256"}},
		{name: "too many keys", keys: another, server: []string{"MaxAuthTries 2"}, setUp: func(t *testing.T, s *scene) {
			for _, name := range []string{"one", "two", "three"} {
				generate(t, s.dir, name, "", another...)
			}
		}, block: []string{"IdentityFile DIR/one", "IdentityFile DIR/two", "IdentityFile DIR/three", "IdentitiesOnly no"}, hops: true},

		// other methods
		{name: "the password is wrong", server: []string{"PasswordAuthentication yes", "PubkeyAuthentication no"},
			says: map[Kind]string{AskPassword: "wrong"}},
		{name: "the password is wrong until the server has had enough", server: []string{"PasswordAuthentication yes", "PubkeyAuthentication no", "MaxAuthTries 2"},
			says: map[Kind]string{AskPassword: "wrong"}},
		{name: "passwords are switched off there", server: []string{"KbdInteractiveAuthentication no"}, keys: another,
			block: []string{"PreferredAuthentications password"}},
		{name: "passwords are switched off here", server: []string{"PasswordAuthentication yes", "PubkeyAuthentication no", "KbdInteractiveAuthentication no"},
			block: []string{"PasswordAuthentication no"}},
		{name: "a key and a password are wanted, and the password is wrong",
			server: []string{"PasswordAuthentication yes", "AuthenticationMethods publickey,password"}, says: map[Kind]string{AskPassword: "wrong"}},
		{name: "nobody answers", server: []string{"PasswordAuthentication yes", "PubkeyAuthentication no"}},
		{name: "the account is not among AllowUsers", server: []string{"AllowUsers jon"}},

		// the host key
		{name: "the host key is not known", block: []string{"HostKeyAlias never-seen"}, hops: true},
		{name: "the host key is not known, in a batch", block: []string{"HostKeyAlias never-seen", "BatchMode yes", "StrictHostKeyChecking ask"}},
		{name: "the host key has changed", block: []string{"HostKeyAlias changed"}, hops: true, setUp: func(t *testing.T, s *scene) {
			s.write(t, "known_hosts", text(t, s.dir+"/known_hosts")+"changed "+string(ssh.MarshalAuthorizedKey(hostKey.PublicKey())))
		}},

		// the way
		{name: "nobody listens", serve: nobody, hops: true},
		{name: "the name is not known", block: []string{"HostName no-such-host.invalid"}},
		{name: "the name has a port behind it", block: []string{"HostName no-such-host.invalid:5022"}},
		{name: "the name is not known, and is the alias", err: &net.DNSError{Err: "no such host", Name: "wall", IsNotFound: true}},
		{name: "the name servers do not answer", err: &net.DNSError{Err: "i/o timeout", Name: "wall", IsTimeout: true}},
		{name: "nobody listens on port 22, and nobody said which port", err: syscall.ECONNREFUSED},
		{name: "no route", err: syscall.EHOSTUNREACH},
		{name: "no network", err: syscall.ENETUNREACH},
		{name: "the address does not answer", err: syscall.ETIMEDOUT},
		{name: "the address does not answer within ConnectTimeout", err: silence{toConnection, tcpLimit}},
		{name: "it takes the connection and says nothing", serve: silentServer, block: []string{"ConnectTimeout 1"}, hops: true},
		{name: "no answer to the key exchange", serve: func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-x\r\n"); silentServer(c) },
			block: []string{"ConnectTimeout 1"}},
		{name: "a jump says nothing within ConnectTimeout", setUp: func(t *testing.T, s *scene) { s.host("gate", serve(t, silentServer)) },
			block: []string{"ProxyJump gate", "ConnectTimeout 1"}},
		{name: "a web server", serve: say("HTTP/1.1 400 Bad Request\r\n\r\n"), hops: true},
		{name: "closed before the version line", serve: say("")},
		{name: "a server of protocol 1", serve: say("SSH-1.5-old\n")},
		{name: "the ProxyCommand dies", block: []string{`ProxyCommand sh -c 'echo the gate is shut >&2; exit 3'`}},
		{name: "the program of the ProxyCommand is not there", block: []string{"ProxyCommand /no/such/program %h"}},
		{name: "the bastion forbids forwarding", setUp: func(t *testing.T, s *scene) { s.sshdWith(t, "gate", "AllowTcpForwarding no") },
			block: []string{"ProxyJump gate"}},
		{name: "the bastion forbids this address", setUp: func(t *testing.T, s *scene) { s.sshdWith(t, "gate", "PermitOpen 127.0.0.1:9") },
			block: []string{"ProxyJump gate"}},
		{name: "the wrong user at the bastion", setUp: func(t *testing.T, s *scene) { s.sshd(t, "gate") },
			block: []string{"ProxyJump jon@gate"}},

		// the server
		{name: "MaxStartups is reached", server: []string{"MaxStartups 1"}, setUp: func(t *testing.T, s *scene) { s.occupy(t) }, hops: true},
		{name: "MaxStartups is reached, in the words of sshd since 9.8", serve: say("Not allowed at this time\r\n")},
		{name: "MaxSessions is reached", server: []string{"MaxSessions 1"}, then: func(t *testing.T, c *Conn) error {
			if _, err := c.NewSession(soon(t)); err != nil {
				t.Fatal(err)
			}
			_, err := c.NewSession(soon(t))
			return err
		}},
		{name: "no forwarding on an open connection", server: []string{"AllowTcpForwarding no"}, then: func(t *testing.T, c *Conn) error {
			_, err := c.Dial(soon(t), "tcp", "127.0.0.1:9")
			return err
		}},
		{name: "nobody listens behind an open connection", then: func(t *testing.T, c *Conn) error {
			_, err := c.Dial(soon(t), "tcp", fmt.Sprintf("127.0.0.1:%d", sshtest.FreePort(t)))
			return err
		}},
		{name: "no key exchange in common", server: []string{"KexAlgorithms diffie-hellman-group14-sha1"}, hops: true},
		{name: "no key exchange in common with the configuration", server: []string{"KexAlgorithms curve25519-sha256"},
			block: []string{"KexAlgorithms ecdh-sha2-nistp256"}},
		{name: "no cipher in common", server: []string{"Ciphers aes256-ctr"}, block: []string{"Ciphers aes128-ctr"}},
		{name: "no MAC in common", server: []string{"Ciphers aes128-ctr", "MACs hmac-sha2-512"}, block: []string{"Ciphers aes128-ctr", "MACs hmac-sha2-256"}},
		{name: "no host key algorithm in common", block: []string{"HostKeyAlgorithms rsa-sha2-256"}},
	}
	common := newNetwork(t)
	plain := common.sshdWith(t, "bastion")
	words := make([]string, len(rows))
	t.Run("each", func(t *testing.T) {
		for i, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				words[i] = "# " + row.name + "\n" + row.words(t, common, plain)
			})
		}
	})
	asGolden(t, "failures.txt", strings.Join(words, ""))
}

var rsaKey = []string{"-t", "rsa", "-b", "2048"}

// nobody stands for a port on which nobody listens.
func nobody(net.Conn) {}

// scene is the network around the host "wall": it is "behind" the bastion
// too, and "castle" is behind it.
type scene struct {
	*network
	failing
	common *network        // with the bastion, which lets its key in
	wall   *sshtest.Server // the bastion itself where nothing is special
}

// words fail, directly and as a hop, and are what a person reads of it.
func (row failing) words(t *testing.T, common *network, plain *sshtest.Server) string {
	s := &scene{network: newNetwork(t), failing: row, common: common, wall: plain}
	s.env = append(s.env, "HOME="+s.dir, "PATH="+os.Getenv("PATH"), "SHELL=/bin/sh")
	s.write(t, "authorized", text(t, common.dir+"/authorized"))
	remove(t, s)
	if row.keys == nil {
		s.write(t, "id", text(t, common.dir+"/id"))
	} else {
		sshtest.Keygen(t, filepath.Join(s.dir, "id"), row.secret, row.keys...)
	}
	block := s.raise(t)
	if row.setUp != nil {
		row.setUp(t, s)
	}
	said := s.wordsTo(t, block, "wall")
	if row.hops {
		said += "as the last hop, " + s.wordsTo(t, block, "behind") + "as the middle hop, " + s.wordsTo(t, block, "castle")
	}
	return said
}

// raise starts the server of the wall; the block leads there.
func (s *scene) raise(t *testing.T) (block []string) {
	t.Helper()
	for _, line := range s.block {
		block = append(block, strings.ReplaceAll(line, "DIR", s.dir))
	}
	port := 0
	switch {
	case s.err != nil:
		return block
	case s.serve == nil:
		if s.server != nil {
			s.wall = sshtest.StartServer(t, append(s.server, "AuthorizedKeysFile "+filepath.Join(s.dir, "authorized"))...)
		}
		port = s.wall.Port
		s.know(t, port, s.wall.HostKey)
	case reflect.ValueOf(s.serve).Pointer() == reflect.ValueOf(nobody).Pointer():
		port = sshtest.FreePort(t)
	default:
		port = serve(t, s.serve)
	}
	return append(block, "HostName 127.0.0.1", fmt.Sprintf("Port %d", port))
}

// wordsTo are those of the failure to reach a host.
func (s *scene) wordsTo(t *testing.T, block []string, name string) string {
	t.Helper()
	text := "Host wall behind\n\t" + strings.Join(block, "\n\t") +
		"\nHost behind\n\tProxyJump bastion\nHost castle\n\tProxyJump wall\nHost bastion\n" +
		s.common.config.String() + "Host *\n" + s.config.String()
	options := newWatch().options()
	options.Asker = newPatient(s.says)
	if s.says == nil {
		options.Asker = nil
	}
	links := NewLinks(options)
	defer links.Close()
	if s.err != nil {
		links.connect = func(_ context.Context, c dialCall) (*Conn, error) { return nil, c.explain(s.err) }
	}
	conn, err := links.Get(plan(t, load(t, text), name), s.env).Conn(soon(t))
	if err == nil && s.then != nil {
		err = s.then(t, conn)
	}
	var f *Failure
	if !errors.As(err, &f) {
		t.Fatalf("%s: %v, %v", name, conn, err)
	}
	said := s.inWords(f)
	said = strings.NewReplacer(s.common.dir, "DIR", " -l "+s.user, " -l USER", "of "+s.user, "of USER").Replace(said)
	said = fingerprint.ReplaceAllString(said, "SHA256:...")
	if !strings.HasPrefix(said, f.Code) || strings.Count(said, "\n") > 2 || config.Printable(f.Message+f.Hint) != f.Message+f.Hint {
		t.Errorf("not one line: %q", f)
	}
	return f.Hop + " " + said
}

var fingerprint = regexp.MustCompile(`SHA256:[\w+/]+`)

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, s *scene) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.dir, "id")); err != nil {
		t.Fatal(err)
	}
}

// install makes the key of the file id known to the bastion.
func install(t *testing.T, s *scene) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.common.dir, "authorized"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text(t, s.dir+"/id.pub")); err != nil {
		t.Fatal(err)
	}
}

// occupy makes a connection to the wall that does not log in.
func (s *scene) occupy(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", s.wall.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}

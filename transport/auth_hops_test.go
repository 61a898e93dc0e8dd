//go:build unix

package transport

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// guard is a real server that lets in by one way only.
type guard struct {
	server []string // lines of sshd_config
	keys   string   // its authorized_keys
	block  []string // lines of ssh_config
	env    []string
	realm  *sshtest.Realm
}

// patient answers the questions of all links by their kind, and notes them.
type patient struct {
	answers map[Kind]string
	keep    bool
	asked   chan Question // has room for all
}

func newPatient(answers map[Kind]string) *patient {
	return &patient{answers: answers, asked: make(chan Question, 100)}
}

func (p *patient) Ask(_ context.Context, q Question) (Answer, error) {
	p.asked <- q
	a := typed(p.answers[q.Kind])
	a.Keep = p.keep
	return a, nil
}

// kinds are those of the questions since the last time.
func (p *patient) kinds() []Kind {
	var all []Kind
	for len(p.asked) > 0 {
		all = append(all, (<-p.asked).Kind)
	}
	return all
}

func TestEachMethodLogsInAtAnyHop(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		guard   func(t *testing.T, dir string) guard
		asked   []Kind
		answers map[Kind]string
	}{
		{"an encrypted key", func(t *testing.T, dir string) guard {
			path := generate(t, dir, "id", "winter", "-t", "ed25519")
			return guard{keys: text(t, path+".pub"), block: []string{"IdentityFile " + path}}
		}, []Kind{AskPassphrase}, map[Kind]string{AskPassphrase: "winter"}},
		{"a key whose private half is in the agent", func(t *testing.T, dir string) guard {
			path := generate(t, dir, "id", "", "-t", "ecdsa")
			socket := sshtest.Agent(t, path)
			os.Remove(path)
			return guard{keys: text(t, path+".pub"), block: []string{"IdentityFile " + path + ".pub"}, env: []string{"SSH_AUTH_SOCK=" + socket}}
		}, nil, nil},
		{"a certificate", func(t *testing.T, dir string) guard {
			ca, path := generate(t, dir, "ca", "", "-t", "ed25519"), generate(t, dir, "id", "", "-t", "rsa", "-b", "2048")
			certify(ca, me(t))(t, path)
			return guard{server: []string{"TrustedUserCAKeys " + ca + ".pub"}, block: []string{"IdentityFile " + path}}
		}, nil, nil},
		{"two keys", func(t *testing.T, dir string) guard {
			one, two := generate(t, dir, "one", "", "-t", "ed25519"), generate(t, dir, "two", "winter", "-t", "ecdsa")
			return guard{server: []string{"AuthenticationMethods publickey,publickey"}, keys: text(t, one+".pub") + text(t, two+".pub"),
				block: []string{"IdentityFile " + one, "IdentityFile " + two}}
		}, []Kind{AskPassphrase}, map[Kind]string{AskPassphrase: "winter"}},
		{"a security key in a file", func(t *testing.T, dir string) guard {
			provider := sshtest.Token(t)
			path := generate(t, dir, "id", "", "-t", "ed25519-sk", "-w", provider)
			return guard{keys: text(t, path+".pub"), block: []string{"IdentityFile " + path, "SecurityKeyProvider " + provider}}
		}, nil, nil},
		{"a security key with a PIN", func(t *testing.T, dir string) guard {
			provider := sshtest.Token(t)
			path := generate(t, dir, "id", "", "-t", "ecdsa-sk", "-O", "application=ssh:pin", "-w", provider)
			return guard{keys: text(t, path+".pub"), block: []string{"IdentityFile " + path, "SecurityKeyProvider " + provider}}
		}, []Kind{AskPIN}, map[Kind]string{AskPIN: "1234"}},
		{"a security key in the agent", func(t *testing.T, dir string) guard {
			provider := sshtest.Token(t)
			path := generate(t, dir, "id", "", "-t", "ecdsa-sk", "-w", provider)
			socket := sshtest.Agent(t)
			sshtest.Add(t, socket, "-S", provider, path)
			return guard{keys: text(t, path+".pub"), block: []string{"IdentityFile " + path}, env: []string{"SSH_AUTH_SOCK=" + socket}}
		}, nil, nil},
		{"a Kerberos ticket", func(t *testing.T, dir string) guard {
			realm := sshtest.StartRealm(t)
			realm.LogIn(t, me(t), "1h")
			return guard{server: []string{"GSSAPIAuthentication yes", "GSSAPIStrictAcceptorCheck no", "PubkeyAuthentication no"},
				block: []string{"GSSAPIAuthentication yes"}, env: realm.Env, realm: realm}
		}, nil, nil},
		{"a Kerberos ticket in the key exchange", func(t *testing.T, dir string) guard {
			if exec.Command(sshtest.Program(t, "ssh"), "-Q", "kex-gss").Run() != nil {
				t.Skip("the ssh that is installed has no such key exchange")
			}
			realm := sshtest.StartRealm(t)
			realm.LogIn(t, me(t), "1h")
			return guard{server: []string{"GSSAPIAuthentication yes", "GSSAPIKeyExchange yes", "GSSAPIStrictAcceptorCheck no", "PubkeyAuthentication no", "AuthenticationMethods gssapi-keyex"},
				block: []string{"GSSAPIAuthentication yes", "GSSAPIKeyExchange yes"}, env: realm.Env, realm: realm}
		}, nil, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			g := row.guard(t, t.TempDir())
			special := n.guarded(t, g)
			plain := n.sshd(t, "plain")
			n.host("last", special.Port, append(g.block, "ProxyJump plain")...)
			n.host("behind", plain.Port, "ProxyJump direct")
			cfg := n.load(t)
			for _, name := range []string{"direct", "last", "behind"} {
				asker := newPatient(row.answers)
				w := newWatch()
				options := w.options()
				options.Asker = asker
				links := NewLinks(options)
				l := links.Get(plan(t, cfg, name), append(g.env, "PATH="+os.Getenv("PATH"), "HOME="+n.dir))
				release := l.Hold()
				if c, err := l.Conn(soon(t)); err != nil {
					t.Errorf("%s: %v", name, err)
				} else {
					output(t, c, "true")
				}
				if touched := w.stepped(TouchStep); touched != strings.Contains(row.name, "security key") {
					t.Errorf("on the way to %s somebody is told to touch a security key: %v", name, touched)
				}
				if diff := cmp.Diff(row.asked, asker.kinds()); diff != "" {
					t.Errorf("the questions on the way to %s (-want +got):\n%s", name, diff)
				}
				release()
				links.Close()
			}
		})
	}
}

// stepped tells whether a link had a step that ends so.
func (w *watch) stepped(ending string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.told, func(s LinkStatus) bool { return strings.HasSuffix(s.Step, ending) })
}

// guarded starts the server of a guard, which is the host "direct".
func (n *network) guarded(t *testing.T, g guard) *sshtest.Server {
	t.Helper()
	s := sshtest.NewServer(t, g.server...)
	s.Write(t, "authorized_keys", g.keys)
	if g.realm != nil {
		s.Env = g.realm.Env
	}
	s.Run(t)
	n.know(t, s.Port, s.HostKey)
	n.host("direct", s.Port, g.block...)
	return s
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data)) + "\n"
}

//go:build unix

package transport

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// asGolden compares text with testdata/NAME; SALLYPORT_UPDATE=1 writes it.
func asGolden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("SALLYPORT_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, path), text); diff != "" {
		t.Errorf("not as in %s (-want +got):\n%s", path, diff)
	}
}

// inWords is a failure as a person reads it, without what differs from run to
// run.
func (n *network) inWords(f *Failure) string {
	text := f.Code + ": " + f.Message + "\n"
	if f.Hint != "" {
		text += "  hint: " + f.Hint + "\n"
	}
	text = strings.ReplaceAll(text, n.dir, "DIR")
	text = regexp.MustCompile(`/\S*/(config|known_hosts)`).ReplaceAllString(text, "DIR/$1")
	text = regexp.MustCompile(`we offer \S+,\S+`).ReplaceAllString(text, "we offer ...") // more than one: the build's own
	text = strings.ReplaceAll(text, n.user+"@", "USER@")
	text = strings.ReplaceAll(text, strconv.Quote(n.user), `"USER"`)
	return regexp.MustCompile(`(port |:)\d{4,5}\b`).ReplaceAllString(text, "${1}PORT")
}

func TestWhySSHDidNotLendALink(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	const needs = "RekeyLimit default 1h"
	n := newNetwork(t)
	server := n.sshd(t, "bastion")
	n.know(t, 4444, sshtest.NewKey(t).PublicKey())
	closed := sshtest.FreePort(t)
	n.host("closed", closed, needs)
	n.host("closed-behind", closed, needs, "ProxyJump bastion")
	n.host("refused", server.Port, needs, "PubkeyAuthentication no")
	n.host("never-seen", server.Port, needs, "HostKeyAlias never-seen")
	n.host("changed", server.Port, needs, "HostKeyAlias [127.0.0.1]:4444")
	n.host("dead-proxy", server.Port, needs, "ProxyCommand sh -c 'read banner; echo the proxy is closed >&2; exit 3'")
	n.config.WriteString("Host no-such-name.invalid\n\t" + needs + "\n")
	cfg := n.load(t)
	var words strings.Builder
	for _, test := range []struct{ name, host, path string }{
		{"ssh is not there", "closed", "/nonexistent"},
		{"nobody listens", "closed", ""},
		{"nobody listens behind a bastion", "closed-behind", ""},
		{"the name is not known", "no-such-name.invalid", ""},
		{"the login is refused", "refused", ""},
		{"the host key is not known", "never-seen", ""},
		{"the host key has changed", "changed", ""},
		{"the ProxyCommand dies", "dead-proxy", ""},
	} {
		words.WriteString("# " + test.name + "\n" + n.inWords(lentFailure(t, plan(t, cfg, test.host), test.path)))
	}
	asGolden(t, "lent-failures.txt", words.String())
}

// lentFailure dials a host, which has to fail and to leave nothing behind.
func lentFailure(t *testing.T, chain Chain, path string) *Failure {
	t.Helper()
	if path == "" {
		path = os.Getenv("PATH")
	}
	dir := shortDir(t)
	o := newWatch().options()
	o.Dir = dir
	links := NewLinks(o)
	_, err := links.Get(chain, Env{"PATH=" + path, "SHELL=/bin/sh"}).Conn(soon(t))
	links.Close()
	f, ok := failureOf(err)
	if !ok {
		t.Fatalf("Conn: %v", err)
	}
	if left := rooms(t, dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	return f
}

func TestWordsOfSSHAreToldApart(t *testing.T) {
	for said, want := range map[string]string{
		"jon@wall: Permission denied (publickey).":                                                     CodeAuth,
		"Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures":                CodeAuth,
		"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.":          "hostkey-changed",
		"Host key verification failed.":                                                                "hostkey-unknown",
		"Unable to negotiate with 10.0.0.1 port 22: no matching cipher found. Their offer: aes128-cbc": CodeAlgorithms,
		"/etc/ssh/ssh_config: line 3: Bad configuration option: x":                                     CodeConfig,
		"ssh: Could not resolve hostname wall: Name or service not known":                              CodeUnreachable,
		"ssh: connect to host wall port 22: No route to host":                                          CodeUnreachable,
		"ssh: connect to host wall port 22: Connection timed out":                                      CodeTimeout,
		"Timeout, server wall not responding.":                                                         CodeTimeout,
		"Connection closed by 10.0.0.1 port 22":                                                        CodeClosed,
		"something that nobody has seen yet":                                                           CodeOpenSSH,
		"":                                                                                             CodeOpenSSH,
	} {
		f := explainSSH(said, "ssh ended with exit status 255 without a word")
		if f.Code != want {
			t.Errorf("%q is %s, want %s", said, f.Code, want)
		}
		if retryable(f) && (want == CodeAuth || want == CodeOpenSSH || strings.HasPrefix(want, "hostkey-")) {
			t.Errorf("%q would be tried again", said)
		}
		if said == "" && f.Message != "ssh ended with exit status 255 without a word" {
			t.Errorf("the message of silence is %q", f.Message)
		}
	}
}

func TestAServerThatOnlyOpenSSHUnderstandsIsReachedByIt(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	for _, test := range []struct{ name, line, why string }{
		{"its key exchange", "KexAlgorithms sntrup761x25519-sha512@openssh.com", "via ssh: the server's key exchange sntrup761x25519-sha512@openssh.com"},
		{"its MAC", "Ciphers aes128-ctr\nMACs umac-64@openssh.com", "via ssh: the server's client to server MAC umac-64@openssh.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNetwork(t)
			server := sshtest.StartServer(t, "AuthorizedKeysFile "+filepath.Join(n.dir, "authorized"), test.line)
			n.know(t, server.Port, server.HostKey)
			n.host("h", server.Port)
			cfg := n.load(t)
			links := NewLinks(newWatch().options())
			defer links.Close()
			l, c := connected(t, links, plan(t, cfg, "h"))
			output(t, c, "true")
			if s := l.Status(); s.Kind != Lent || s.Why != test.why {
				t.Errorf("the link is %s %q", s.Kind, s.Why)
			}
			none := NewLinks(newWatch().options())
			defer none.Close()
			_, err := none.Get(plan(t, cfg, "h"), Env{"PATH=/nonexistent"}).Conn(soon(t))
			f, _ := failureOf(err)
			if code(err) != CodeAlgorithms || !strings.Contains(f.Hint, "install the OpenSSH client") {
				t.Errorf("without ssh: %+v", f)
			}
		})
	}
}

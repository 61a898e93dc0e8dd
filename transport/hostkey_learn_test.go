package transport

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

// learnRow is a known_hosts file, options, and what the file holds after a
// login at a server that has the keys ED, RSA and EC, of which ED comes with a
// certificate of CA for 127.0.0.1. HERE is "[127.0.0.1]:PORT", HASHED a hash
// of it; OLD and OTHER are keys that the server does not have.
type learnRow struct {
	name     string
	known    string // the user's first file
	second   string // DIR/second
	options  []string
	answer   string // to the question of UpdateHostKeys ask
	want     string // of the first file; "same" if it stays as it was
	secondly string // of the second; "" if it stays
}

var learnRows = []learnRow{
	{name: "new keys are added", known: "HERE ED\n", want: "HERE ED\nHERE RSA\nHERE EC\n"},
	{name: "old keys are taken away", known: "HERE OLD\nHERE ED\nHERE RSA\nHERE EC\n", want: "HERE ED\nHERE RSA\nHERE EC\n"},
	{name: "old keys are replaced", known: "HERE ED\nHERE OLD\n", want: "HERE ED\nHERE RSA\nHERE EC\n"},
	{name: "nothing is to be done", known: "HERE ED\nHERE RSA\nHERE EC\n", want: "same"},
	{name: "other lines stay as they are", known: "# mine \n\nHERE ED\nelse,where  OTHER a comment\nnonsense\n", want: "# mine \n\nHERE ED\nelse,where  OTHER a comment\nnonsense\nHERE RSA\nHERE EC\n"},
	{name: "hashed names stay, new ones are hashed if asked for", known: "HASHED ED\n", options: []string{"HashKnownHosts yes"}, want: "HASHED ED\nHASHED RSA\nHASHED EC\n"},
	{name: "new names are plain if not", known: "HASHED ED\n", want: "HASHED ED\nHERE RSA\nHERE EC\n"},
	{name: "a wildcard stops it", known: "[127.0.0.*]:PORT ED\n", want: "same"},
	{name: "three names stop it", known: "HERE,one,two ED\n", want: "same"},
	{name: "two names do not", known: "HERE,one ED\n", want: "HERE,one ED\nHERE RSA\nHERE EC\n"},
	{name: "an authority stops it", known: "@cert-authority HERE CA\nHERE ED\n", options: []string{"HostKeyAlgorithms ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256"}, want: "same"},
	{name: "a revoked key stops it", known: "@revoked HERE OLD\nHERE ED\n", want: "same"},
	{name: "a key under another name stops it", known: "HERE ED\nelse RSA\n", want: "same"},
	{name: "an old key under another name stops it", known: "HERE ED\nHERE OLD\nelse OLD\n", want: "same"},
	{name: "a key of the system's file stops it", options: []string{"GlobalKnownHostsFile DIR/second"}, second: "HERE ED\n", want: "same"},
	{name: "an accepted certificate stops it", known: "@cert-authority HERE CA\n", options: []string{"HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-256"}, want: "same"},
	{name: "a key known for port 22 stops it", known: "127.0.0.1 ED\n", want: "same"},
	{name: "a key taken without a question stops it", options: []string{"StrictHostKeyChecking accept-new", "HostKeyAlgorithms ssh-ed25519,rsa-sha2-256"}, want: "HERE ED\n"},
	{name: "the second file loses what goes to the first", known: "# first\n", second: "HERE ED\nelse OTHER\nHERE OLD\n", options: []string{"UserKnownHostsFile DIR/known_hosts DIR/second"},
		want: "# first\nHERE ED\nHERE RSA\nHERE EC\n", secondly: "else OTHER\n"},
	{name: "keys that may not be asked for are not taken", known: "HERE ED\n", options: []string{"HostKeyAlgorithms ssh-ed25519,rsa-sha2-256"}, want: "HERE ED\nHERE RSA\n"},
	{name: "a proof with RSA at a key exchange with RSA", known: "HERE RSA\n", options: []string{"HostKeyAlgorithms rsa-sha2-256,ssh-ed25519"}, want: "HERE RSA\nHERE ED\n"},
	{name: "it is off", known: "HERE ED\n", options: []string{"UpdateHostKeys no"}, want: "same"},
	{name: "nobody is asked in batch mode", known: "HERE ED\n", options: []string{"UpdateHostKeys ask", "BatchMode yes"}, want: "same"},
	{name: "a person agrees", known: "HERE ED\nHERE OLD\n", options: []string{"UpdateHostKeys ask"}, answer: "yes", want: "HERE ED\nHERE RSA\nHERE EC\n"},
	{name: "a person does not agree", known: "HERE ED\nHERE OLD\n", options: []string{"UpdateHostKeys ask"}, answer: "no", want: "same"},
	{name: "the alias is the name", known: "castle ED\n", options: []string{"HostKeyAlias castle"}, want: "castle ED\ncastle RSA\ncastle EC\n"},
}

func TestHostKeysAreLearnedAsBySSH(t *testing.T) {
	t.Parallel()
	server := startLearnServer(t)
	here := server.texts.Replace("HERE")
	for _, row := range learnRows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			theirs, ours := t.TempDir(), t.TempDir()
			if said := server.ssh(t, theirs, row); said != "" && row.answer == "" && !strings.Contains(said, "Permanently added") {
				t.Errorf("ssh says %q", said)
			}
			p := &person{}
			if row.answer != "" {
				p.answers = []Answer{typed(row.answer)}
			}
			if err := server.learn(t, resolve(t, server.block(t, ours, row)...), p); err != nil {
				t.Errorf("we say %v", err)
			}
			if row.want == "same" {
				row.want = row.known
			}
			if row.secondly == "" {
				row.secondly = row.second
			}
			for file, want := range map[string]string{"known_hosts": row.want, "second": row.secondly} {
				want = server.texts.Replace(want)
				for who, dir := range map[string]string{"ssh": theirs, "we": ours} {
					if diff := cmp.Diff(unsalted(want, here), unsalted(read(t, filepath.Join(dir, file)), here)); diff != "" {
						t.Errorf("%s left %s so (-want +got):\n%s", who, file, diff)
					}
				}
			}
		})
	}
}

// learnServer is a real sshd with several host keys.
type learnServer struct {
	*sshtest.Server
	texts *strings.Replacer
}

func startLearnServer(t *testing.T) learnServer {
	t.Helper()
	dir := t.TempDir()
	ed := generate(t, dir, "ed", "", "-t", "ed25519")
	rsa := generate(t, dir, "rsa", "", "-t", "rsa", "-b", "2048")
	ec := generate(t, dir, "ec", "", "-t", "ecdsa")
	ca := generate(t, dir, "ca", "", "-t", "ed25519")
	sshtest.Run(t, "ssh-keygen", "-q", "-s", ca, "-h", "-I", "wall", "-n", "127.0.0.1", ed+".pub")
	s := sshtest.StartServer(t, "HostKey "+ed, "HostCertificate "+ed+"-cert.pub", "HostKey "+rsa, "HostKey "+ec)
	here := fmt.Sprintf("[127.0.0.1]:%d", s.Port)
	key := func(path string) string { return keyText(publicKey(t, path+".pub")) }
	return learnServer{s, strings.NewReplacer(
		"PORT", strconv.Itoa(s.Port),
		"HERE", here,
		"HASHED", hashName(here, make([]byte, 20)),
		"OLD", keyText(sshtest.NewKey(t).PublicKey()),
		"OTHER", keyText(sshtest.NewKey(t).PublicKey()),
		"RSA", key(rsa), "CA", key(ca), "ED", key(ed), "EC", key(ec),
	)}
}

// block writes the files of a row and returns its configuration.
func (s learnServer) block(t *testing.T, dir string, row learnRow) []string {
	t.Helper()
	write(t, filepath.Join(dir, "known_hosts"), s.texts.Replace(row.known))
	write(t, filepath.Join(dir, "second"), s.texts.Replace(row.second))
	var block []string
	for _, option := range row.options {
		block = append(block, strings.ReplaceAll(option, "DIR", dir))
	}
	return append(block, "HostName 127.0.0.1", "Port "+strconv.Itoa(s.Port), "IdentityFile "+s.Path("id"), "IdentitiesOnly yes",
		"UserKnownHostsFile "+dir+"/known_hosts", "GlobalKnownHostsFile "+dir+"/none", "UpdateHostKeys yes",
		"StrictHostKeyChecking yes", "HostKeyAlgorithms ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512,ecdsa-sha2-nistp256",
		"KexAlgorithms curve25519-sha256")
}

// ssh logs in with the real one and returns what it complains about. It asks
// only where it has a terminal and no command.
func (s learnServer) ssh(t *testing.T, dir string, row learnRow) string {
	t.Helper()
	block := s.block(t, dir, row)
	if row.answer == "" {
		return realSSH(t, nil, block...)
	}
	program := sshtest.Script(t, filepath.Join(dir, "askpass"), "echo "+row.answer+"\n")
	cmd := exec.Command(sshtest.Program(t, "ssh"), "-tt", "-F", configFile(t, block...), "wall")
	cmd.Stdin = strings.NewReader("exit\n")
	cmd.Env = append(os.Environ(), "SSH_ASKPASS="+program, "SSH_ASKPASS_REQUIRE=force")
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// learn logs in and takes over what the server offers, as a link does.
func (s learnServer) learn(t *testing.T, h *config.Host, p *person) error {
	t.Helper()
	k, err := newHostKeys(t.Context(), h, nil, p.ask, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, offers := logInForOffers(t, h, k)
	if !k.mayLearn() {
		return nil
	}
	return k.learn(soon(t), conn, <-offers, p.ask)
}

// logInForOffers logs in with the key of the configuration.
func logInForOffers(t *testing.T, h *config.Host, k *hostKeys) (*Conn, hostKeyOffers) {
	t.Helper()
	raw, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	login := newAuth(t.Context(), h, nil, (&person{}).ask, func(string) {})
	defer login.close()
	w := newWire(raw)
	client, channels, requests, err := ssh.NewClientConn(w, "wall", &ssh.ClientConfig{
		User: h.User(), AuthCallback: login.next, HostKeyAlgorithms: k.algorithms(), HostKeyCallback: k.check,
	})
	if err != nil {
		t.Fatal(err)
	}
	offers := newHostKeyOffers()
	return newConn(ssh.NewClient(client, channels, offers.from(requests)), w, "wall", nil), offers
}

package transport

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// hostKeyRow is a known_hosts file, options, and what becomes of the host key
// of a server. In the texts, PORT is the server's, ED and RSA are its keys,
// OTHER and OTHERRSA are those of somebody else, CA certified the ED key for
// the names "wall" and "127.0.0.1".
type hostKeyRow struct {
	name    string
	known   string   // the user's file
	options []string // DIR is where the files are
	want    string   // "ok" or the Code of the Failure
	differs string   // what ssh says where we differ, with the reason in the name
}

var hostKeyRows = []hostKeyRow{
	{name: "a known key is accepted", known: "[127.0.0.1]:PORT ED", want: "ok"},
	{name: "of a server with several keys the known one is asked for", known: "[127.0.0.1]:PORT RSA", want: "ok"},
	{name: "a key that is known for port 22 is good for another port", known: "127.0.0.1 ED", want: "ok"},
	{name: "an unknown key is refused in batch mode", want: "hostkey-unknown"},
	{name: "an unknown key is refused where checking is strict", options: []string{"StrictHostKeyChecking yes"}, want: "hostkey-unknown"},
	{name: "a new key is accepted with accept-new", options: []string{"StrictHostKeyChecking accept-new"}, want: "ok"},
	{name: "a new key is accepted without checking", options: []string{"StrictHostKeyChecking no"}, want: "ok"},
	{name: "a changed key is refused", known: "[127.0.0.1]:PORT OTHER", want: "hostkey-changed"},
	{name: "a changed key is refused with accept-new", known: "[127.0.0.1]:PORT OTHER", options: []string{"StrictHostKeyChecking accept-new"}, want: "hostkey-changed"},
	{name: "a changed key is refused by us even without checking", known: "[127.0.0.1]:PORT OTHER", options: []string{"StrictHostKeyChecking no"}, want: "hostkey-changed", differs: "ok"},
	{name: "a key of another type counts as changed", known: "[127.0.0.1]:PORT OTHERRSA", options: []string{"HostKeyAlgorithms ssh-ed25519"}, want: "hostkey-changed"},
	{name: "a list of algorithms keeps its order, whichever keys are known", known: "[127.0.0.1]:PORT RSA", options: []string{"HostKeyAlgorithms ssh-ed25519,rsa-sha2-256"}, want: "hostkey-changed"},
	{name: "algorithms put first stay first", known: "[127.0.0.1]:PORT RSA", options: []string{"HostKeyAlgorithms ^ssh-ed25519"}, want: "hostkey-changed"},
	{name: "a list that is added to does not", known: "[127.0.0.1]:PORT RSA", options: []string{"HostKeyAlgorithms +ssh-dss"}, want: "ok"},
	{name: "nor one that is taken from", known: "[127.0.0.1]:PORT RSA", options: []string{"HostKeyAlgorithms -ssh-ed25519-cert*"}, want: "ok"},
	{name: "one good line is enough", known: "[127.0.0.1]:PORT OTHER\n[127.0.0.1]:PORT ED", want: "ok"},
	{name: "another key for port 22 is no change", known: "127.0.0.1 OTHER", want: "hostkey-unknown"},
	{name: "a key of another host is unknown", known: "[127.0.0.2]:PORT ED", want: "hostkey-unknown"},
	{name: "a revoked key is refused", known: "@revoked * ED\n[127.0.0.1]:PORT ED", want: "hostkey-revoked"},
	{name: "a revoked key is refused by us even without checking", known: "@revoked * ED\n[127.0.0.1]:PORT ED", options: []string{"StrictHostKeyChecking no"}, want: "hostkey-revoked", differs: "ok"},
	{name: "a revoked line of another host is not ours", known: "@revoked other ED\n[127.0.0.1]:PORT ED", want: "ok"},
	{name: "a certificate is accepted for its authority", known: "@cert-authority * CA", options: []string{"HostKeyAlias wall"}, want: "ok"},
	{name: "an authority for port 22 is good for another port", known: "@cert-authority 127.0.0.1 CA", want: "ok"},
	{name: "a certificate for another name is not", known: "@cert-authority * CA", options: []string{"HostKeyAlias castle"}, want: "hostkey-unknown"},
	{name: "a certificate of a revoked authority is refused", known: "@cert-authority * CA\n@revoked * CA", options: []string{"HostKeyAlias wall"}, want: "hostkey-revoked"},
	{name: "the key in a certificate may be known instead", known: "[127.0.0.1]:PORT ED", options: []string{"HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519"}, want: "ok"},
	{name: "a certificate with a pattern for a name is not good for a name that fits", known: "@cert-authority * CA", options: []string{"HostKeyAlias x.towers"}, want: "hostkey-unknown"},
	{name: "an alias is looked up in lower case", known: "@cert-authority * CA", options: []string{"HostKeyAlias WALL"}, want: "ok"},
	{name: "a binary list of revoked keys is read", known: "[127.0.0.1]:PORT ED", options: []string{"RevokedHostKeys DIR/krl"}, want: "hostkey-revoked"},
	{name: "a binary list that is broken refuses all", known: "[127.0.0.1]:PORT ED", options: []string{"RevokedHostKeys DIR/broken"}, want: "hostkey-revoked", differs: "hostkey-unknown"},
	{name: "an alias is looked up without a port", known: "castle ED", options: []string{"HostKeyAlias castle"}, want: "ok"},
	{name: "an alias is not the address", known: "[127.0.0.1]:PORT ED", options: []string{"HostKeyAlias castle"}, want: "hostkey-unknown"},
	{name: "localhost may be exempt", known: "[127.0.0.1]:PORT OTHER", options: []string{"NoHostAuthenticationForLocalhost yes"}, want: "ok"},
	{name: "an alias ends that exemption", known: "castle OTHER", options: []string{"NoHostAuthenticationForLocalhost yes", "HostKeyAlias castle"}, want: "hostkey-changed"},
	{name: "patterns are matched", known: "[127.0.0.*]:PORT ED", want: "ok"},
	{name: "negated patterns win", known: "*,![127.0.0.1]:PORT,!127.0.0.1 ED", want: "hostkey-unknown"},
	{name: "lines that are not understood do not exist", known: "[127.0.0.1]:PORT ssh-ed25519 AAAA\nnonsense\n[127.0.0.1]:PORT ED", want: "ok"},
	{name: "the second file counts", options: []string{"UserKnownHostsFile DIR/none DIR/second"}, want: "ok"},
	{name: "the system's file counts", options: []string{"GlobalKnownHostsFile DIR/second"}, want: "ok"},
	{name: "a list of revoked keys is read", known: "[127.0.0.1]:PORT ED", options: []string{"RevokedHostKeys DIR/revoked"}, want: "hostkey-revoked"},
	{name: "a list of revoked keys that is missing refuses all", known: "[127.0.0.1]:PORT ED", options: []string{"RevokedHostKeys DIR/missing"}, want: "hostkey-revoked", differs: "hostkey-unknown"},
	{name: "without a file of the user a new key is refused even where nothing is checked", options: []string{"UserKnownHostsFile none", "StrictHostKeyChecking no"}, want: "hostkey-unknown"},
	{name: "without a file of the user a new key is refused with accept-new", options: []string{"UserKnownHostsFile none", "StrictHostKeyChecking accept-new"}, want: "hostkey-unknown"},
	{name: "without a file of the user the system's file counts", options: []string{"UserKnownHostsFile none", "GlobalKnownHostsFile DIR/second"}, want: "ok"},
	{name: "hashed names are matched", known: "HASHED ED", want: "ok"},
}

func TestHostKeysAreJudgedAsBySSH(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	for _, row := range hostKeyRows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			want := row.want
			if row.differs != "" {
				want = row.differs
			}
			if got := sshVerdict(realSSH(t, nil, server.block(t, row)...)); got != want {
				t.Errorf("ssh says %q, want %q", got, want)
			}
			f := server.judge(t, resolve(t, server.block(t, row)...), &person{})
			if got := verdict(f); got != row.want {
				t.Errorf("we say %q, want %q: %v", got, row.want, f)
			}
		})
	}
}

func verdict(f *Failure) string {
	if f == nil {
		return "ok"
	}
	return f.Code
}

// sshVerdict reads what ssh complains about.
func sshVerdict(said string) string {
	switch {
	case strings.Contains(said, "Permission denied"):
		return "ok"
	case strings.Contains(said, "revoked by file"), strings.Contains(said, "REVOKED HOST KEY"):
		return "hostkey-revoked"
	case strings.Contains(said, "IDENTIFICATION HAS CHANGED"):
		return "hostkey-changed"
	case strings.Contains(said, "Host key verification failed"):
		return "hostkey-unknown"
	}
	return said
}

// hostKeyServer is a real sshd with an ed25519 key, certified, and an RSA key.
type hostKeyServer struct {
	port  int
	texts *strings.Replacer // of the names in hostKeyRow
	ed    ssh.PublicKey
	krl   string // revokes ed
}

func startHostKeyServer(t *testing.T) hostKeyServer {
	t.Helper()
	dir := t.TempDir()
	ed := generate(t, dir, "ed", "", "-t", "ed25519")
	rsa := generate(t, dir, "rsa", "", "-t", "rsa", "-b", "2048")
	other := generate(t, dir, "other", "", "-t", "rsa", "-b", "1024") // it is only read
	ca := generate(t, dir, "ca", "", "-t", "ed25519")
	sshtest.Run(t, "ssh-keygen", "-q", "-s", ca, "-h", "-I", "wall", "-n", "wall,127.0.0.1,*.towers", ed+".pub")
	krl := filepath.Join(dir, "krl")
	sshtest.Run(t, "ssh-keygen", "-q", "-k", "-f", krl, ed+".pub")
	port := sshtest.StartServer(t, "HostKey "+ed, "HostCertificate "+ed+"-cert.pub", "HostKey "+rsa).Port
	return hostKeyServer{
		port: port,
		ed:   publicKey(t, ed+".pub"),
		krl:  read(t, krl),
		texts: strings.NewReplacer(
			"PORT", strconv.Itoa(port),
			"OTHERRSA", keyText(publicKey(t, other+".pub")),
			"OTHER", keyText(sshtest.NewKey(t).PublicKey()),
			"RSA", keyText(publicKey(t, rsa+".pub")),
			"CA", keyText(publicKey(t, ca+".pub")),
			"HASHED", hashName(fmt.Sprintf("[127.0.0.1]:%d", port), make([]byte, 20)),
			"ED", keyText(publicKey(t, ed+".pub")),
		),
	}
}

// block writes the files of a row anew and returns its configuration.
func (s hostKeyServer) block(t *testing.T, row hostKeyRow) []string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "known_hosts"), s.texts.Replace(row.known)+"\n")
	write(t, filepath.Join(dir, "second"), s.texts.Replace("[127.0.0.1]:PORT ED\n"))
	write(t, filepath.Join(dir, "revoked"), s.texts.Replace("# gone\nED\nRSA\n"))
	write(t, filepath.Join(dir, "krl"), s.krl)
	write(t, filepath.Join(dir, "broken"), s.krl[:len(s.krl)-1])
	var block []string
	for _, option := range row.options {
		block = append(block, strings.ReplaceAll(option, "DIR", dir))
	}
	return append(block,
		"HostName 127.0.0.1", "Port "+strconv.Itoa(s.port), "BatchMode yes", "PreferredAuthentications none",
		"UserKnownHostsFile "+dir+"/known_hosts", "GlobalKnownHostsFile "+dir+"/none", "UpdateHostKeys no",
		"KexAlgorithms curve25519-sha256") // the usual one costs ssh more time than all the rest
}

// judge shows the server's key to hostKeys.
func (s hostKeyServer) judge(t *testing.T, h *config.Host, p *person) *Failure {
	t.Helper()
	k, err := newHostKeys(t.Context(), h, nil, p.ask, nil)
	if err != nil {
		t.Fatal(err)
	}
	return exchangeKeys(t, h, k)
}

// exchangeKeys runs a handshake as far as the host key.
func exchangeKeys(t *testing.T, h *config.Host, k *hostKeys) *Failure {
	t.Helper()
	return exchangeKeysAt(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port())), k)
}

func exchangeKeysAt(t *testing.T, address string, k *hostKeys) *Failure {
	t.Helper()
	raw, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, _, _, err = ssh.NewClientConn(raw, "wall", &ssh.ClientConfig{
		User:              "nobody",
		HostKeyAlgorithms: k.algorithms(),
		HostKeyCallback:   k.check,
	})
	if f, ok := failureOf(err); ok {
		return f
	}
	if err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Fatalf("the handshake ended with %v", err)
	}
	return nil
}

func TestAChangedKeyIsRefusedWithBothFingerprintsAndTheCommandToForgetIt(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	row := hostKeyRow{known: "# old\n[127.0.0.1]:PORT OTHER"}
	h := resolve(t, server.block(t, row)...)
	file := h.Get("UserKnownHostsFile")
	old := readKnownHosts([]string{file}, nil)[0].key

	got := server.judge(t, h, &person{})
	want := &Failure{
		Code: "hostkey-changed",
		Message: fmt.Sprintf(`the host key of "[127.0.0.1]:%d" has changed: it shows ED25519 %s, and %s:2 says ED25519 %s`,
			server.port, keys.Fingerprint(server.ed), file, keys.Fingerprint(old)),
		Hint: fmt.Sprintf("ssh-keygen -f %s -R '[127.0.0.1]:%d'", file, server.port),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the failure (-want +got):\n%s", diff)
	}

	sshtest.Run(t, "sh", "-c", got.Hint)
	if f := server.judge(t, resolve(t, append([]string{"StrictHostKeyChecking accept-new", "UserKnownHostsFile " + file}, server.block(t, row)...)...), &person{}); f != nil {
		t.Errorf("after the command of the hint: %v", f)
	}
}

func TestAnUnknownKeyIsAskedAboutWithItsPicture(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	rows := []struct {
		name    string
		choice  string
		options []string
		want    string
		lines   int // in the file afterwards
	}{
		{"accepted and remembered", AcceptAndRemember, nil, "ok", 2},
		{"accepted and remembered under a hash", AcceptAndRemember, []string{"HashKnownHosts yes"}, "ok", 2},
		{"accepted once", AcceptOnce, nil, "ok", 1},
		{"refused", Refuse, nil, "hostkey-unknown", 1},
		{"not answered", "", nil, "cancelled", 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			block := server.block(t, hostKeyRow{known: "elsewhere ED"})
			h := resolve(t, append(append([]string{"BatchMode no", "HostKeyAlgorithms ssh-ed25519"}, row.options...), block...)...)
			p := &person{}
			if row.choice != "" {
				p.answers = []Answer{{Choice: row.choice}}
			}
			file := h.Get("UserKnownHostsFile")
			k, err := newHostKeys(t.Context(), h, Env{"HOME=" + filepath.Dir(file)}, p.ask, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := verdict(exchangeKeys(t, h, k)); got != row.want {
				t.Errorf("the verdict is %q, want %q", got, row.want)
			}
			want := []Question{{
				Kind:    AskHostKey,
				Title:   fmt.Sprintf("The host key of 127.0.0.1:%d is not known.", server.port),
				Choices: []string{AcceptAndRemember, AcceptOnce, Refuse},
				Try:     1,
				HostKey: &HostKey{
					Type:        "ED25519",
					Fingerprint: keys.Fingerprint(server.ed),
					Art:         keys.Randomart(server.ed),
					Note:        "This host key is known by the following other names/addresses:\n    ~/" + filepath.Base(file) + ":1: elsewhere",
					Address:     fmt.Sprintf("[127.0.0.1]:%d", server.port),
				},
			}}
			if diff := cmp.Diff(want, p.asked); diff != "" {
				t.Errorf("the question (-want +got):\n%s", diff)
			}
			if got := len(readKnownHosts([]string{file}, nil)); got != row.lines {
				t.Errorf("the file has %d lines, want %d", got, row.lines)
			}
			if row.want == "ok" { // at the next key exchange nobody is asked
				if f := exchangeKeys(t, h, k); f != nil || len(p.asked) != 1 {
					t.Errorf("at the second exchange: %v, with %d questions", f, len(p.asked))
				}
			}
			if row.lines == 2 {
				if got := sshVerdict(realSSH(t, nil, append([]string{"UserKnownHostsFile " + file}, block...)...)); got != "ok" {
					t.Errorf("ssh says of the accepted key: %s", got)
				}
			}
		})
	}
}

func TestAKeyThatCannotBeWrittenDownIsStillGoodForNow(t *testing.T) {
	server := startHostKeyServer(t)
	h := resolve(t, append([]string{"StrictHostKeyChecking accept-new", "UserKnownHostsFile " + os.DevNull + "/known_hosts"}, server.block(t, hostKeyRow{})...)...)
	k, err := newHostKeys(t.Context(), h, nil, (&person{}).ask, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := exchangeKeys(t, h, k); f != nil {
		t.Fatal(f)
	}
	if said := strings.Join(k.notices, "\n"); !strings.Contains(said, "/dev/null/known_hosts") {
		t.Errorf("the notices are %q", said)
	}
}

func TestAlgorithmsOfKnownKeysComeFirst(t *testing.T) {
	rsa := generate(t, t.TempDir(), "rsa", "", "-t", "rsa", "-b", "2048")
	plain := knownHost{names: "wall", key: publicKey(t, rsa+".pub")}
	authority := knownHost{names: "wall", marker: markerAuthority, key: sshtest.NewKey(t).PublicKey()}
	const ed, edCert, rsaSHA2 = ssh.KeyAlgoED25519, ssh.CertAlgoED25519v01, ssh.KeyAlgoRSASHA512
	wanted := verifiable([]string{edCert, ed, "sk-unknown", rsaSHA2})
	for _, row := range []struct {
		name  string
		known knownHosts
		want  []string
	}{
		{"nothing known keeps the order", nil, []string{edCert, ed, rsaSHA2}},
		{"a known RSA key comes first", knownHosts{plain}, []string{rsaSHA2, edCert, ed}},
		{"an authority puts certificates first", knownHosts{authority, plain}, []string{edCert, rsaSHA2, ed}},
		{"a revoked key is not known", knownHosts{{marker: markerRevoked, key: plain.key}}, []string{edCert, ed, rsaSHA2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, orderHostKeyAlgorithms(wanted, row.known)); diff != "" {
				t.Errorf("the order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAPersonHearsOfAHostKey(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	md5 := keys.DigestNamed("md5")
	for _, row := range []struct {
		name, known string
		options     []string
		want        string // of the notices
	}{
		{"nothing of a known key", "[127.0.0.1]:PORT ED", nil, ""},
		{"the picture of a known key", "[127.0.0.1]:PORT ED", []string{"VisualHostKey yes"},
			"Host key fingerprint is " + keys.Fingerprint(server.ed) + "\n" + keys.Randomart(server.ed)},
		{"the picture by another hash", "[127.0.0.1]:PORT ED", []string{"VisualHostKey yes", "FingerprintHash md5"},
			"Host key fingerprint is " + md5.Fingerprint(server.ed) + "\n" + md5.Randomart(server.ed)},
		{"a key that was taken without a question", "", []string{"StrictHostKeyChecking accept-new"},
			fmt.Sprintf("Warning: Permanently added '[127.0.0.1]:%d' (ED25519) to the list of known hosts.", server.port)},
	} {
		t.Run(row.name, func(t *testing.T) {
			block := server.block(t, hostKeyRow{known: row.known, options: append(row.options, "HostKeyAlgorithms ssh-ed25519")})
			said := strings.ReplaceAll(realSSH(t, nil, block...), "\r", "")
			if row.want != "" && !strings.Contains(said, row.want) {
				t.Errorf("ssh says %q, want %q", said, row.want)
			}
			write(t, blockFile(block), server.texts.Replace(row.known)+"\n")
			h := resolve(t, block...)
			k, err := newHostKeys(t.Context(), h, nil, (&person{}).ask, nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := exchangeKeys(t, h, k); f != nil {
				t.Fatal(f)
			}
			if got := strings.Join(k.notices, "\n"); got != row.want {
				t.Errorf("the notices are %q, want %q", got, row.want)
			}
		})
	}
}

// A known key that comes in a certificate is accepted, but for how long?
func TestACertificateThatIsNotGoodIsToldOf(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	const told = "Certificate invalid: "
	for _, row := range []struct {
		name, known string
		want        bool
	}{
		{"of a known authority", "@cert-authority * CA\ncastle ED", true},
		{"of an unknown authority", "@cert-authority wall CA\ncastle ED", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			block := server.block(t, hostKeyRow{known: row.known, options: []string{"HostKeyAlias castle", "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com"}})
			if said := realSSH(t, nil, block...); strings.Contains(said, told) != row.want || sshVerdict(said) != "ok" {
				t.Errorf("ssh says %q", said)
			}
			h := resolve(t, block...)
			k, err := newHostKeys(t.Context(), h, nil, (&person{}).ask, nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := exchangeKeys(t, h, k); f != nil {
				t.Fatal(f)
			}
			if got := strings.Join(k.notices, "\n"); strings.Contains(got, told) != row.want {
				t.Errorf("the notices are %q", got)
			}
		})
	}
}

func TestFailuresAndQuestionsShowTheFingerprintAskedFor(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	md5 := keys.DigestNamed("md5").Fingerprint(server.ed)
	row := hostKeyRow{known: "[127.0.0.1]:PORT OTHER", options: []string{"FingerprintHash md5", "HostKeyAlgorithms ssh-ed25519"}}
	if f := server.judge(t, resolve(t, server.block(t, row)...), &person{}); f == nil || strings.Count(f.Message, "MD5:") != 2 || !strings.Contains(f.Message, md5) {
		t.Errorf("the failure is %v, want twice MD5 and %s", f, md5)
	}
	p := &person{}
	row.known = ""
	server.judge(t, resolve(t, append([]string{"BatchMode no"}, server.block(t, row)...)...), p)
	if len(p.asked) != 1 || p.asked[0].HostKey.Fingerprint != md5 || !strings.Contains(p.asked[0].HostKey.Art, "[MD5]") {
		t.Errorf("the question is %+v, want %s", p.asked, md5)
	}
}

func TestAHostKeyIsTracedInTheWordsOfSSH(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	for _, row := range []hostKeyRow{
		{name: "a known key", known: "[127.0.0.1]:PORT ED"},
		{name: "a key that is known without the port", known: "127.0.0.1 ED"},
		{name: "an alias", known: "wall ED", options: []string{"HostKeyAlias wall"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.options = append(row.options, "HostKeyAlgorithms ssh-ed25519", "LogLevel DEBUG3")
			block := server.block(t, row)
			said := realSSH(t, nil, block...)
			var told []string
			h := resolve(t, block...)
			k, err := newHostKeys(t.Context(), h, nil, (&person{}).ask, func(level int, format string, args ...any) {
				told = append(told, fmt.Sprintf("debug%d: ", level)+fmt.Sprintf(format, args...))
			})
			if err != nil {
				t.Fatal(err)
			}
			if f := exchangeKeys(t, h, k); f != nil {
				t.Fatal(f)
			}
			for _, line := range told {
				if !strings.Contains(strings.ToLower(said), strings.ToLower(line)) {
					t.Errorf("ssh does not say %q, but\n%s", line, said)
				}
			}
			if len(told) < 3 {
				t.Errorf("we say only %q", told)
			}
		})
	}
}

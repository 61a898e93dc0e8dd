package transport

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// dnsRow is what the DNS says of wall.example, and what becomes of its key. ED
// in the records is that of the server, OTHER somebody else's.
type dnsRow struct {
	name       string
	records    string // "algorithm type KEY" for each line
	secure     bool   // the name server has verified them
	distrusted bool   // resolv.conf does not say trust-ad
	options    []string
	known      string
	want       string
	note       string // of the question, where there is one
}

const (
	dnsYes     = "VerifyHostKeyDNS yes"
	dnsAsk     = "VerifyHostKeyDNS ask"
	noMatch    = "No matching host key fingerprint found in DNS."
	match      = "Matching host key fingerprint found in DNS."
	unverified = "Matching host key fingerprint found in DNS, but the answer is not secure: it is not verified by DNSSEC."
)

var dnsRows = []dnsRow{
	{name: "a verified SHA-256 is enough", records: "4 2 ED", secure: true, options: []string{dnsYes}, want: "ok"},
	{name: "a verified SHA-1 is enough", records: "4 1 ED", secure: true, options: []string{dnsYes}, want: "ok"},
	{name: "a verified RSA key is enough", records: "1 2 RSA", secure: true, options: []string{dnsYes, "HostKeyAlgorithms rsa-sha2-256"}, want: "ok"},
	{name: "a key in a certificate is enough", records: "4 2 ED", secure: true, options: []string{dnsYes, "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com"}, want: "ok"},
	{name: "a verified one is asked about if so wished", records: "4 2 ED", secure: true, options: []string{dnsAsk}, want: "hostkey-unknown", note: match},
	{name: "one that is not verified is asked about", records: "4 2 ED", options: []string{dnsYes}, want: "hostkey-unknown", note: unverified},
	{name: "the word of a server that is not trusted does not count", records: "4 2 ED", secure: true, distrusted: true, options: []string{dnsYes}, want: "hostkey-unknown", note: unverified},
	{name: "another key is asked about", records: "4 2 OTHER", secure: true, options: []string{dnsYes}, want: "hostkey-unknown", note: noMatch},
	{name: "one key of two does not match", records: "4 2 ED\n4 2 OTHER", secure: true, options: []string{dnsYes}, want: "hostkey-unknown", note: noMatch},
	{name: "a key of another algorithm says nothing", records: "1 2 ED", secure: true, options: []string{dnsYes}, want: "hostkey-unknown", note: noMatch},
	{name: "a hash from the future spoils the answer", records: "4 9 ED\n4 2 ED", secure: true, options: []string{dnsYes}, want: "hostkey-unknown", note: noMatch},
	{name: "no records are none", options: []string{dnsYes}, want: "hostkey-unknown", note: noMatch},
	{name: "it is off", records: "4 2 ED", secure: true, options: []string{"VerifyHostKeyDNS no"}, want: "hostkey-unknown"},
	{name: "a known key needs no record", records: "4 2 OTHER", secure: true, options: []string{dnsYes}, known: "[wall.example]:PORT ED", want: "ok"},
	{name: "a revoked key is refused all the same", records: "4 2 ED", secure: true, options: []string{dnsYes, "RevokedHostKeys DIR/revoked"}, want: "hostkey-revoked"},
}

func TestFingerprintsInTheDNSAreHeardAsBySSH(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	servers := startNameServer(t, loopback(t))
	for _, row := range dnsRows {
		t.Run(row.name, func(t *testing.T) {
			servers.set(t, server, row)
			h := resolve(t, server.dnsBlock(t, row, "BatchMode no")...)
			p := &person{}
			k, err := newHostKeys(t.Context(), h, nil, p.ask, nil)
			if err != nil {
				t.Fatal(err)
			}
			k.dns = func() (resolver, error) {
				return resolver{servers: []string{servers.address}, timeout: 5 * time.Second, attempts: 2, trusted: !row.distrusted}, nil
			}
			want := strings.Replace(row.want, "hostkey-unknown", CodeCancelled, 1) // the person does not answer
			if f := exchangeKeys(t, h, k); verdict(f) != want {
				t.Errorf("we say %v, want %q", f, want)
			}
			note := ""
			if len(p.asked) > 0 {
				note = strings.TrimSuffix(p.asked[0].HostKey.Note, "This key is not known by any other names.")
			}
			if strings.TrimSpace(note) != row.note {
				t.Errorf("the note is %q, want %q", note, row.note)
			}
			if warned := strings.Contains(strings.Join(k.notices, ""), "Update the SSHFP RR"); warned != (row.note == noMatch && row.records != "" || row.known != "") {
				t.Errorf("the notices are %q", k.notices)
			}
		})
	}
	// ssh asks the servers of /etc/resolv.conf, at port 53.
	t.Run("as by ssh", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root gives ssh another resolv.conf")
		}
		servers := startNameServer(t, "127.0.0.71:53")
		for _, row := range dnsRows {
			t.Run(row.name, func(t *testing.T) {
				servers.set(t, server, row)
				said := sshWithResolver(t, row, server.dnsBlock(t, row, "BatchMode yes"))
				if strings.Contains(said, "Update the SSHFP RR") { // a warning, in the words of a changed key
					said = strings.Replace(said, "IDENTIFICATION HAS CHANGED", "", 1)
				}
				if got := sshVerdict(said); got != row.want {
					t.Errorf("ssh says %q, want %q", got, row.want)
				}
			})
		}
	})
}

// dnsBlock is the configuration of a row: the server under a name that only
// the DNS knows.
func (s hostKeyServer) dnsBlock(t *testing.T, row dnsRow, batch string) []string {
	t.Helper()
	block := s.block(t, hostKeyRow{known: row.known, options: append(row.options, "HostName wall.example", batch,
		"HostKeyAlgorithms ssh-ed25519", "ProxyCommand nc 127.0.0.1 "+strconv.Itoa(s.port))})
	return block
}

// sshWithResolver runs ssh where /etc/resolv.conf names our server.
func sshWithResolver(t *testing.T, row dnsRow, block []string) string {
	t.Helper()
	text := "nameserver 127.0.0.71\noptions trust-ad edns0\n"
	if row.distrusted {
		text = "nameserver 127.0.0.71\n"
	}
	resolv := write(t, filepath.Join(t.TempDir(), "resolv.conf"), text)
	out, _ := exec.Command(sshtest.Program(t, "unshare"), "-m", "sh", "-c", `mount --bind "$1" /etc/resolv.conf && exec ssh -F "$2" wall true`,
		"sh", resolv, configFile(t, block...)).CombinedOutput() // that it fails is often expected
	return string(out)
}

// nameServer answers for wall.example.
type nameServer struct {
	address   string
	mu        sync.Mutex // guards all below
	records   []dns.RR
	secure    bool
	truncates bool // it gives no answer by UDP
	asked     []*dns.Msg
}

func startNameServer(t *testing.T, address string) *nameServer {
	t.Helper()
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{address: udp.LocalAddr().String()}
	var wg sync.WaitGroup // waited for last
	t.Cleanup(wg.Wait)
	for _, server := range []*dns.Server{{PacketConn: udp, Handler: s}, {Listener: tcp, Handler: s}} {
		up := make(chan struct{})
		server.NotifyStartedFunc = func() { close(up) }
		wg.Go(func() { server.ActivateAndServe() })
		<-up
		t.Cleanup(func() { server.Shutdown() })
	}
	return s
}

func (s *nameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, q)
	reply := new(dns.Msg).SetReply(q)
	_, overUDP := w.RemoteAddr().(*net.UDPAddr)
	switch {
	case q.Question[0].Qtype != dns.TypeSSHFP || q.Question[0].Name != "wall.example.":
		reply.Rcode = dns.RcodeNameError
	case overUDP && s.truncates:
		reply.Truncated = true
	default:
		reply.Answer = s.records
		reply.AuthenticatedData = s.secure
	}
	_ = w.WriteMsg(reply) // the one who asked may be gone
}

// set has the server answer as a row says.
func (s *nameServer) set(t *testing.T, server hostKeyServer, row dnsRow) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records, s.secure = nil, row.secure
	for line := range strings.Lines(row.records) {
		words := strings.Fields(line)
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(server.texts.Replace(words[2])))
		if err != nil {
			t.Fatal(err)
		}
		number := func(word string) uint8 { n, _ := strconv.Atoi(word); return uint8(n) }
		s.records = append(s.records, sshfpRecord(t, number(words[0]), number(words[1]), key))
	}
}

// sshfpRecord is one as ssh-keygen -r prints it, under these numbers.
func sshfpRecord(t *testing.T, algorithm, kind uint8, key ssh.PublicKey) dns.RR {
	t.Helper()
	file := write(t, filepath.Join(t.TempDir(), "id.pub"), keyText(key)+"\n")
	for line := range strings.Lines(sshtest.Run(t, "ssh-keygen", "-r", "wall.example.", "-f", file)) {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		record := rr.(*dns.SSHFP)
		if record.Type == kind || kind > 2 && record.Type == 2 {
			record.Algorithm, record.Type = algorithm, kind
			return record
		}
	}
	t.Fatal("ssh-keygen prints no such record")
	return nil
}

// loopback is an address whose port is free for UDP and TCP alike: one that
// the kernel chooses for the one may be taken for the other.
func loopback(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(sshtest.FreePort(t)))
}

func TestTheNextNameServerIsAskedAndTCPWhereUDPIsTooShort(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	names := startNameServer(t, loopback(t))
	names.set(t, server, dnsRow{records: "4 2 ED", secure: true})
	names.mu.Lock()
	names.truncates = true
	names.mu.Unlock()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // it never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r := resolver{servers: []string{silent.LocalAddr().String(), names.address}, timeout: 2 * time.Second, attempts: 1, trusted: true}
	records, secure, err := r.fingerprints(t.Context(), "wall.example")
	if err != nil || !secure || !sshfpMatches(records, server.ed) {
		t.Errorf("after a silent server and a short answer: %v, %v, %v", records, secure, err)
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	if len(names.asked) != 2 || !names.asked[0].AuthenticatedData {
		t.Errorf("the server was asked %v", names.asked)
	}
	if _, _, err := r.fingerprints(t.Context(), strings.Repeat("long.", 60)); err == nil {
		t.Error("a name that is none was asked for")
	}
}

func TestTheResolverIsReadFromItsFile(t *testing.T) {
	for text, want := range map[string]resolver{
		"nameserver 192.0.2.1\nnameserver ::1\noptions timeout:3 attempts:4 trust-ad\n": {[]string{"192.0.2.1:53", "[::1]:53"}, 3 * time.Second, 4, true},
		"# options trust-ad\noptions edns0\n":                                           {[]string{"127.0.0.1:53"}, 5 * time.Second, 2, false},
	} {
		got, err := readResolver(write(t, filepath.Join(t.TempDir(), "resolv.conf"), text))
		if err != nil || strings.Join(got.servers, " ") != strings.Join(want.servers, " ") ||
			got.timeout != want.timeout || got.attempts != want.attempts || got.trusted != want.trusted {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
	if _, err := readResolver(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

package config

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// zone are the names that the name server of the test knows: an address, or the
// name that it stands for.
var zone = map[string]string{
	"plain.example.test": "127.0.0.8",
	"web.example.test":   "real.cdn.test",
	"two.example.test":   "mid.example.test",
	"mid.example.test":   "end.other.test",
	"bare":               "real.cdn.test",
	"real.cdn.test":      "127.0.0.9",
	"end.other.test":     "127.0.0.7",
}

// nameServer is an address of this computer at which ssh finds a name server by
// resolv.conf, which has no place for a port.
const nameServer = "127.77.0.1"

// A real ssh with a name server of ours, in a mount namespace of its own, and we
// come to the same canonical names.
func TestCanonicalNamesAreThoseOfSSH(t *testing.T) {
	conn, err := net.ListenPacket("udp", net.JoinHostPort(nameServer, "53"))
	if err != nil {
		t.Skipf("no name server can listen: %v", err)
	}
	done := make(chan struct{})
	go func() { defer close(done); serveNames(conn) }()
	t.Cleanup(func() { conn.Close(); <-done })
	usual := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = usual })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	const canonical = "CanonicalizeHostname yes\nCanonicalDomains nope.test example.test\n"
	for _, row := range []struct{ name, host, text string }{
		{"an alias is followed", "web", canonical + "CanonicalizePermittedCNAMEs *.example.test:*.cdn.test\nHost real.cdn.test\n  Port 5\n"},
		{"an alias is not followed where no rule has its goal", "web", canonical + "CanonicalizePermittedCNAMEs *.example.test:*.other.test\nHost web.example.test\n  Port 5\n"},
		{"an alias is not followed without a rule", "web", canonical},
		{"an alias of an alias leads to the end", "two", canonical + "CanonicalizePermittedCNAMEs *.example.test:*.test\n"},
		{"a rule for a name in the middle does not count", "two", canonical + "CanonicalizePermittedCNAMEs *:mid.example.test\n"},
		{"a name without an alias stays", "plain", canonical + "CanonicalizePermittedCNAMEs *\nMatch canonical host *.test\n  Port 6\n"},
		{"an alias that is in no domain", "bare", canonical + "CanonicalizePermittedCNAMEs *\n"},
		{"an alias where nothing is to be canonical", "bare", "CanonicalizePermittedCNAMEs *\n"},
		{"a full name", "web.example.test.", canonical + "CanonicalizePermittedCNAMEs *\n"},
		{"a name with too many dots", "web.example.test", canonical + "CanonicalizePermittedCNAMEs *\n"},
		{"a proxy looks names up itself", "web", canonical + "CanonicalizePermittedCNAMEs *\nProxyCommand nc\n"},
		{"a proxy gets the canonical name", "web", strings.Replace(canonical, "yes", "always", 1) + "CanonicalizePermittedCNAMEs *\nProxyCommand nc\n"},
		{"ProxyJump none counts as a proxy", "web", canonical + "ProxyJump none\n"},
		{"ProxyJump none and an alias", "bare", "ProxyJump none\nCanonicalizePermittedCNAMEs *\n"},
		{"ProxyCommand none is no proxy", "web", canonical + "ProxyCommand none\n"},
		{"case does not matter", "WEB", strings.ToUpper("CanonicalDomains example.test\nCanonicalizePermittedCNAMEs *.example.test:*.cdn.test\n") + "CanonicalizeHostname yes\n"},
		{"only addresses of the family count", "web", canonical + "AddressFamily inet6\n"},
		{"a name that is nowhere", "missing", canonical + "CanonicalizeFallbackLocal no\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := write(t, map[string]string{"config": row.text, "resolv.conf": "nameserver " + nameServer + "\n"})
			path := filepath.Join(dir, "config")
			theirs, refused := askWithNames(t, dir, row.host)
			paths, err := File(path)
			if err != nil {
				t.Fatal(err)
			}
			h, err := Load(paths).Resolve(row.host, Match{Execute: true})
			if (err != nil) != refused {
				t.Fatalf("ssh refuses it: %v, we: %v", refused, err)
			}
			if diff := cmp.Diff(theirs, h.Lines()); diff != "" && !refused {
				t.Errorf("-ssh +ours\n%s", diff)
			}
		})
	}
}

// askWithNames runs ssh -G where resolv.conf is that of a directory.
func askWithNames(t *testing.T, dir, host string) (lines []string, refused bool) {
	t.Helper()
	const script = `mount --bind "$1/resolv.conf" /etc/resolv.conf || exit 77; exec "$2" -F "$1/config" -G -- "$3"`
	cmd := exec.Command(sshtest.Program(t, "unshare"), "-m", "sh", "-c", script, "sh", dir, sshtest.Program(t, "ssh"), host)
	cmd.Env = append(os.Environ(), "RES_OPTIONS=attempts:1")
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() == 77 || cmd.ProcessState.ExitCode() == 1 {
		t.Skipf("no mount namespace: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), err != nil
}

// serveNames answers questions for addresses out of zone (RFC 1035 section 4).
func serveNames(conn net.PacketConn) {
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		conn.WriteTo(answerNames(buf[:n]), from) // an answer that is lost is asked for again
	}
}

const (
	typeA      = 1
	typeCNAME  = 5
	notFound   = 3
	authentic  = 0x8180 // a response, with recursion
	headerSize = 12
)

func answerNames(question []byte) []byte {
	var labels []string
	at := headerSize
	for question[at] != 0 {
		length := int(question[at])
		labels = append(labels, strings.ToLower(string(question[at+1:at+1+length])))
		at += 1 + length
	}
	asked := question[headerSize : at+5]
	kind := binary.BigEndian.Uint16(question[at+1:])
	name, flags, count := strings.Join(labels, "."), uint16(authentic), uint16(0)
	if zone[name] == "" {
		flags |= notFound
	}
	var records bytes.Buffer
	for goal := zone[name]; goal != ""; name, goal = goal, zone[goal] {
		answer, data := uint16(typeCNAME), wireName(goal)
		if ip := net.ParseIP(goal).To4(); ip != nil {
			answer, data = typeA, ip
		}
		if answer == typeA && kind != typeA {
			break
		}
		records.Write(slices.Concat(wireName(name), binary.BigEndian.AppendUint16(nil, answer), []byte{0, 1, 0, 0, 0, 60},
			binary.BigEndian.AppendUint16(nil, uint16(len(data))), data))
		count++
	}
	reply := binary.BigEndian.AppendUint16(slices.Clone(question[:2]), flags)
	reply = append(reply, 0, 1)
	reply = binary.BigEndian.AppendUint16(reply, count)
	return slices.Concat(reply, []byte{0, 0, 0, 0}, asked, records.Bytes())
}

// wireName is a name as it stands in a message.
func wireName(name string) (wire []byte) {
	for label := range strings.SplitSeq(name, ".") {
		wire = append(append(wire, byte(len(label))), label...)
	}
	return append(wire, 0)
}

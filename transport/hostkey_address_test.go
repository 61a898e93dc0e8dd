package transport

import (
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddressesAreCheckedAsBySSH(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	address, port := relayFromOutside(t, server.port)
	ip := knownName(address, port)
	const changed = "hostkey-changed"
	for _, row := range []struct {
		name    string
		known   string // IP is the address as known_hosts has it
		options []string
		answer  string
		want    string
		left    string // of the file; "same" if it stays
	}{
		{"a new address is written down", "castle ED\n", nil, "", "ok", "castle ED\nIP ED\n"},
		{"even where checking is strict", "castle ED\n", []string{"StrictHostKeyChecking yes"}, "", "ok", "castle ED\nIP ED\n"},
		{"under a hash if asked for", "castle ED\n", []string{"HashKnownHosts yes"}, "", "ok", "castle ED\nHASHED ED\n"},
		{"a known address stays", "castle,IP ED\n", nil, "", "ok", "same"},
		{"it is off", "castle ED\nIP OTHER\n", []string{"CheckHostIP no"}, "", "ok", "same"},
		{"another key for the address is refused in batch mode", "castle ED\nIP OTHER\n", nil, "", "hostkey-changed", "same"},
		{"another key for the address is refused where checking is strict", "castle ED\nIP OTHER\n", []string{"StrictHostKeyChecking yes"}, "", changed, "same"},
		{"another key for the address is refused with accept-new", "castle ED\nIP OTHER\n", []string{"StrictHostKeyChecking accept-new"}, "", changed, "same"},
		{"another key for the address is accepted without checking", "castle ED\nIP OTHER\n", []string{"StrictHostKeyChecking no"}, "", "ok", "same"},
		{"a new host is written down with its address", "", []string{"StrictHostKeyChecking accept-new"}, "", "ok", "castle,IP ED\n"},
		{"two hashes are two lines", "", []string{"StrictHostKeyChecking accept-new", "HashKnownHosts yes"}, "", "ok", "HASHEDNAME ED\nHASHED ED\n"},
		{"a new host at a known address is written down alone", "IP ED\n", []string{"StrictHostKeyChecking accept-new"}, "", "ok", "IP ED\ncastle ED\n"},
		{"a changed key is refused", "castle OTHER\nIP ED\n", nil, "", changed, "same"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			texts := strings.NewReplacer("IP", ip, "HASHEDNAME", hashName("castle", make([]byte, 20)), "HASHED", hashName(ip, make([]byte, 20)))
			block := func() ([]string, string) {
				b := server.block(t, hostKeyRow{options: append(row.options, "CheckHostIP yes", "HostKeyAlias castle", "HostName "+address, "HostKeyAlgorithms ssh-ed25519")})
				for i, line := range b {
					b[i] = strings.Replace(line, "Port "+strconv.Itoa(server.port), "Port "+strconv.Itoa(port), 1)
				}
				file := blockFile(b)
				write(t, file, server.texts.Replace(texts.Replace(row.known)))
				return b, file
			}
			theirs, theirFile := block()
			got := sshVerdict(realSSH(t, nil, theirs...))
			if strings.Contains(got, "requested strict checking") || got == "hostkey-unknown" {
				got = changed
			}
			if got != row.want {
				t.Errorf("ssh says %q, want %q", got, row.want)
			}
			ours, ourFile := block()
			h := resolve(t, ours...)
			k, err := newHostKeys(t.Context(), h, nil, (&person{}).ask, nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := exchangeKeysAt(t, net.JoinHostPort(address, strconv.Itoa(port)), k); verdict(f) != row.want {
				t.Errorf("we say %v, want %q", f, row.want)
			}
			want := row.left
			if want == "same" {
				want = row.known
			}
			want = server.texts.Replace(texts.Replace(want))
			for who, file := range map[string]string{"ssh": theirFile, "we": ourFile} {
				if diff := cmp.Diff(unsalted(want, "castle", ip), unsalted(read(t, file), "castle", ip)); diff != "" {
					t.Errorf("%s left the file so (-want +got):\n%s", who, diff)
				}
			}
		})
	}
}

func TestAnAddressWithAnotherKeyIsAskedAbout(t *testing.T) {
	t.Parallel()
	server := startHostKeyServer(t)
	address, port := relayFromOutside(t, server.port)
	ip := knownName(address, port)
	for choice, want := range map[string]string{AcceptOnce: "ok", Refuse: "hostkey-changed", "": "hostkey-changed"} {
		t.Run("the answer is "+choice, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "known_hosts"), server.texts.Replace("castle ED\n"+ip+" OTHER\n"))
			h := resolve(t, "HostName "+address, "Port "+strconv.Itoa(port), "CheckHostIP yes", "HostKeyAlias castle",
				"UserKnownHostsFile "+file, "GlobalKnownHostsFile none", "HostKeyAlgorithms ssh-ed25519")
			p := &person{}
			if choice != "" {
				p.answers = []Answer{{Choice: choice}}
			}
			k, err := newHostKeys(t.Context(), h, nil, p.ask, nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := exchangeKeysAt(t, net.JoinHostPort(address, strconv.Itoa(port)), k); verdict(f) != want {
				t.Errorf("the verdict is %v, want %q", f, want)
			}
			if len(p.asked) != 1 {
				t.Fatalf("there were %d questions", len(p.asked))
			}
			if got, want := p.asked[0].Title, "Warning: the ED25519 host key for 'castle' differs from the key for the IP address '"+ip+"'."; got != want {
				t.Errorf("the question is %q, want %q", got, want)
			}
			if got, want := p.asked[0].HostKey.Note, "Offending key for IP in "+file+":2. Matching host key in "+file+":1."; !strings.HasPrefix(got, want) {
				t.Errorf("the note is %q, want %q", got, want)
			}
		})
	}
}

// unsalted are the lines of a file with the hashes of these names all alike.
func unsalted(text string, names ...string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if e, ok := parseKnownHost(line); ok && e.hashed() {
			line = strings.Replace(line, e.names, "HASH("+strings.Join(e.matching(names), ",")+")", 1)
		}
		lines.WriteString(line)
	}
	return lines.String()
}

// relayFromOutside passes connections to an address of this machine that is
// not a loopback one on to a port that is: there ssh checks no address.
func relayFromOutside(t *testing.T, to int) (address string, port int) {
	t.Helper()
	address = outsideAddress(t)
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup // waited for in the cleanup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(to)))
			if err != nil {
				in.Close()
				continue
			}
			wg.Go(func() { io.Copy(out, in); out.Close() }) // they end with the connection
			wg.Go(func() { io.Copy(in, out); in.Close() })
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return address, l.Addr().(*net.TCPAddr).Port
}

func outsideAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but that of the loopback")
	return ""
}

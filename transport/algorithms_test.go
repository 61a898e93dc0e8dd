package transport

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// options are the host "a" of a configuration of these lines.
func options(t *testing.T, m config.Match, lines string) *config.Host {
	t.Helper()
	h, err := load(t, "Host a\n"+lines).Resolve("a", m)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAlgorithmsAreThoseOfTheConfigurationInItsOrder(t *testing.T) {
	usual := ssh.SupportedAlgorithms()
	for _, test := range []struct {
		name, lines string
		keyword     string
		want        []string
	}{
		{"nothing set is x/crypto's order", "", "MACs", usual.MACs},
		{"a list is taken in its order", "Ciphers aes256-ctr,aes128-ctr\n", "Ciphers", []string{"aes256-ctr", "aes128-ctr"}},
		{"what x/crypto lacks is passed over", "MACs umac-64@openssh.com,hmac-sha2-256\n", "MACs", []string{"hmac-sha2-256"}},
		{"what is broken needs naming", "Ciphers 3des-cbc\n", "Ciphers", []string{"3des-cbc"}},
		{"the older name of curve25519 counts", "KexAlgorithms curve25519-sha256@libssh.org\n", "KexAlgorithms", []string{"curve25519-sha256@libssh.org"}},
		{"+ appends", "MACs +hmac-sha1-96\n", "MACs", []string{
			"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-sha1-96"}},
		{"- takes away by pattern", "MACs -*-etm@openssh.com\n", "MACs", []string{"hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"}},
		{"^ puts in front", "MACs ^hmac-sha2-512\n", "MACs", []string{
			"hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := algorithmsOf(options(t, config.Match{}, test.lines))
			got := map[string][]string{"Ciphers": c.Ciphers, "MACs": c.MACs, "KexAlgorithms": c.KeyExchanges}[test.keyword]
			// ssh's own order of ETM and plain MACs is that of its version.
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCiphersFollowTheProcessor(t *testing.T) {
	usual := ssh.SupportedAlgorithms().Ciphers
	if first := ciphersFor(usual, true)[0]; first != ssh.CipherAES128GCM {
		t.Errorf("with AES instructions %s is first", first)
	}
	without := ciphersFor(usual, false)
	if without[0] != ssh.CipherChaCha20Poly1305 || len(without) != len(usual) {
		t.Errorf("without AES instructions the ciphers are %v", without)
	}
}

func TestWhatOnlyOpenSSHCanDoIsDemandedOfIt(t *testing.T) {
	compressed := config.Match{Options: []string{"Compression yes"}}
	for _, test := range []struct {
		name, lines string
		match       config.Match
		want        string // "" for nothing
		unmet       string
	}{
		{name: "nothing set"},
		{name: "compression in a file is a wish", lines: "Compression yes\n", unmet: "not compressed"},
		{name: "compression on the command line is an order", match: compressed, want: "Compression yes", unmet: "not compressed"},
		{name: "no compression", lines: "Compression no\n"},
		{name: "GSSAPI key exchange", lines: "GSSAPIKeyExchange yes\n", want: "GSSAPIKeyExchange yes"},
		{name: "GSSAPI without its key exchange", lines: "GSSAPIAuthentication yes\n"},
		{name: "hostbased", lines: "HostbasedAuthentication yes\n", want: "HostbasedAuthentication yes"},
		{name: "a smart card", lines: "PKCS11Provider /usr/lib/opensc.so\n", want: "PKCS11Provider /usr/lib/opensc.so"},
		{name: "no smart card", lines: "PKCS11Provider none\n"},
		{name: "new keys after a time", lines: "RekeyLimit 1G 1h\n", want: "RekeyLimit 1073741824 3600"},
		{name: "new keys after some bytes", lines: "RekeyLimit 1G\n"},
		{name: "no new keys by time", lines: "RekeyLimit default none\n"},
		{name: "key exchanges of which none is known", lines: "KexAlgorithms sntrup761x25519-sha512@openssh.com\n", want: "KexAlgorithms sntrup761x25519-sha512@openssh.com"},
		{name: "key exchanges of which one is known", lines: "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256\n"},
		{name: "ciphers of which none is known", lines: "Ciphers aes192-cbc,aes256-cbc\n", want: "Ciphers aes192-cbc,aes256-cbc"},
		{name: "MACs of which none is known", lines: "MACs umac-64@openssh.com\n", want: "MACs umac-64@openssh.com"},
		{name: "host keys of which none is known", lines: "HostKeyAlgorithms sk-ssh-ed25519@openssh.com\n", want: "HostKeyAlgorithms sk-ssh-ed25519@openssh.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := options(t, test.match, test.lines)
			d, ok := demandOf(h)
			if d.what != test.want || ok != (test.want != "") {
				t.Errorf("it demands %q, want %q", d.what, test.want)
			}
			if got := unmet(h); got != test.unmet {
				t.Errorf("it leaves %q, want %q", got, test.unmet)
			}
		})
	}
}

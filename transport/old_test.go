//go:build unix

package transport

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// ages are kinds of OpenSSH by what they could do; the sshd that is installed
// plays them.
var ages = []struct {
	name   string
	server []string
	client []string // what a configuration has to say for it
}{
	{
		name:   "OpenSSH 5.3",
		server: []string{"KexAlgorithms diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1", "Ciphers aes128-cbc,3des-cbc", "MACs hmac-sha1,hmac-md5", "HostKeyAlgorithms ssh-rsa", "PubkeyAcceptedAlgorithms ssh-rsa"},
		client: []string{"KexAlgorithms +diffie-hellman-group14-sha1", "Ciphers +aes128-cbc", "HostKeyAlgorithms +ssh-rsa", "PubkeyAcceptedAlgorithms ssh-rsa"},
	},
	{
		name:   "OpenSSH 6.6",
		server: []string{"KexAlgorithms curve25519-sha256@libssh.org,ecdh-sha2-nistp256", "Ciphers aes128-ctr,aes256-ctr", "MACs umac-64@openssh.com,hmac-sha1", "HostKeyAlgorithms ssh-rsa", "PubkeyAcceptedAlgorithms ssh-rsa,ssh-ed25519"},
		client: []string{"HostKeyAlgorithms +ssh-rsa"},
	},
	{
		name:   "OpenSSH 7.4",
		server: []string{"KexAlgorithms curve25519-sha256,diffie-hellman-group14-sha1", "Ciphers chacha20-poly1305@openssh.com", "HostKeyAlgorithms rsa-sha2-256,ssh-rsa", "PubkeyAcceptedAlgorithms rsa-sha2-256,ssh-rsa,ssh-ed25519"},
	},
}

func TestOldServersAreReachedWhereTheConfigurationAllowsThem(t *testing.T) {
	t.Parallel()
	for _, age := range ages {
		t.Run(age.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			rsa := generate(t, n.dir, "rsa", "", "-t", "rsa", "-b", "2048")
			n.write(t, "authorized", keyText(n.client.PublicKey())+"\n"+keyText(publicKey(t, rsa+".pub"))+"\n")
			hostKey := generate(t, n.dir, "hostkey", "", "-t", "rsa", "-b", "2048")
			server := sshtest.StartServer(t, append(age.server, "HostKey "+hostKey, "AuthorizedKeysFile "+filepath.Join(n.dir, "authorized"))...)
			n.know(t, server.Port, publicKey(t, hostKey+".pub"))
			n.host("old", server.Port, append(age.client, "IdentityFile "+rsa)...)
			n.sshd(t, "behind", "ProxyJump old")
			n.host("last", server.Port, append(age.client, "IdentityFile "+rsa, "ProxyJump behind")...)
			cfg := n.load(t)
			links := NewLinks(newWatch().options())
			defer links.Close()
			for _, name := range []string{"old", "behind", "last"} {
				l, c := connected(t, links, plan(t, cfg, name))
				if got := output(t, c, "echo here"); got != "here\n" {
					t.Errorf("%s: the command printed %q", name, got)
				}
				if s := l.Status(); s.Kind != Native {
					t.Errorf("%s: the link is %s, %q", name, s.Kind, s.Why)
				}
			}
		})
	}
}

func TestARefusedOldServerIsExplainedWithTheLineThatAllowsIt(t *testing.T) {
	t.Parallel()
	var words strings.Builder
	for _, test := range []struct {
		name           string
		server, client []string
	}{
		{"a key exchange by SHA-1", []string{"KexAlgorithms diffie-hellman-group14-sha1"}, nil},
		{"a host key by SHA-1", []string{"HostKeyAlgorithms ssh-rsa"}, nil},
		{"a cipher of old", []string{"Ciphers 3des-cbc"}, nil},
		{"a MAC of old", []string{"Ciphers aes128-ctr", "MACs hmac-sha1-96"}, nil},
		{"a list of one's own that leaves nothing", []string{"Ciphers aes128-ctr"}, []string{"Ciphers aes256-ctr"}},
	} {
		n := newNetwork(t)
		rsa := generate(t, n.dir, "id_rsa", "", "-t", "rsa", "-b", "2048")
		n.write(t, "authorized", keyText(publicKey(t, rsa+".pub"))+"\n")
		hostKey := generate(t, n.dir, "hostkey", "", "-t", "rsa", "-b", "2048")
		server := sshtest.StartServer(t, append(test.server, "HostKey "+hostKey, "AuthorizedKeysFile "+filepath.Join(n.dir, "authorized"))...)
		n.know(t, server.Port, publicKey(t, hostKey+".pub"))
		n.host("old", server.Port, append(test.client, "IdentityFile "+rsa)...)
		words.WriteString("# " + test.name + "\n" + n.inWords(n.failure(t, "old")))
	}
	words.WriteString("# a login by SHA-1\n" + refusedBySHA1(t))
	asGolden(t, "old-servers.txt", words.String())
}

// refusedBySHA1 is why a server that knows of nothing better than SHA-1 does
// not accept an RSA key. The sshd that is installed always says that it does.
func refusedBySHA1(t *testing.T) string {
	t.Helper()
	n := newNetwork(t)
	rsa := generate(t, n.dir, "id_rsa", "", "-t", "rsa", "-b", "2048")
	hostKey := sshtest.NewKey(t)
	port := serve(t, badServer(hostKey, func(c *ssh.ServerConfig) {
		c.ServerVersion = "SSH-2.0-OpenSSH_5.3"
		c.PublicKeyAuthAlgorithms = []string{ssh.KeyAlgoRSA}
	}))
	n.know(t, port, hostKey.PublicKey())
	n.host("old", port, "IdentityFile "+rsa)
	f := n.failure(t, "old")
	f.Message = f.Message[strings.LastIndex(f.Message, "; ")+2:] // what comes before is the same for every server
	return n.inWords(f)
}

func TestWordsBeforeTheVersionLineAreReadOver(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	server := n.sshd(t, "plain")
	port := serve(t, func(c net.Conn) {
		fmt.Fprint(c, "Welcome to the wall.\r\nNobody passes.\r\n\r\n")
		to, err := net.Dial("tcp", server.Address())
		if err != nil {
			return
		}
		splice(c, to)
	})
	n.know(t, port, server.HostKey)
	n.host("wordy", port)
	n.host("behind", server.Port, "ProxyJump wordy")
	links := NewLinks(newWatch().options())
	defer links.Close()
	_, c := connected(t, links, plan(t, n.load(t), "behind"))
	output(t, c, "true")
}

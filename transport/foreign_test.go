//go:build unix

package transport

import (
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

func TestServersOfOthersAreReachedDirectAndAsHops(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		start    func(t *testing.T, key ssh.PublicKey) sshtest.Foreign
		lines    []string
		forwards bool // can be a hop in the middle
		kind     LinkKind
	}{
		{name: "dropbear", start: func(t *testing.T, key ssh.PublicKey) sshtest.Foreign { return sshtest.Dropbear(t, key) }, forwards: true, kind: Native},
		{name: "tinysshd", start: func(t *testing.T, key ssh.PublicKey) sshtest.Foreign { return sshtest.TinySSH(t, key) }, kind: Native},
		{name: "libssh", start: func(t *testing.T, key ssh.PublicKey) sshtest.Foreign { return sshtest.LibSSH(t, key) }, forwards: true, kind: Native},
		{name: "paramiko", start: paramiko(), forwards: true, kind: Native},
		{name: "a version between the protocols", start: paramiko("local_version='SSH-1.99-old'"), forwards: true, kind: Native},
		{name: "nothing but compression", start: paramiko("_preferred_compression=('zlib@openssh.com',)"), forwards: true, kind: Lent},
		{name: "SHA-1 everywhere", start: paramiko("_preferred_kex=('diffie-hellman-group14-sha1',)", "_preferred_keys=('ssh-rsa',)", "_preferred_ciphers=('aes128-cbc',)", "_preferred_macs=('hmac-sha1',)"),
			lines:    []string{"KexAlgorithms +diffie-hellman-group14-sha1", "HostKeyAlgorithms +ssh-rsa", "Ciphers +aes128-cbc"},
			forwards: true, kind: Native},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			server := test.start(t, n.client.PublicKey())
			last := n.sshd(t, "plain")
			n.know(t, server.Port, server.HostKey)
			n.host("direct", server.Port, test.lines...)
			n.host("last", server.Port, append(test.lines, "ProxyJump plain")...)
			names := []string{"direct", "last"}
			if test.forwards {
				n.host("middle", last.Port, "ProxyJump direct")
				names = append(names, "middle")
			}
			cfg := n.load(t)
			links := NewLinks(newWatch().options())
			defer links.Close()
			for _, name := range names {
				l, c := connected(t, links, plan(t, cfg, name))
				if got := output(t, c, "echo here"); got != "here\n" {
					t.Errorf("%s: the command printed %q", name, got)
				}
				first := l
				if name == "middle" {
					first = links.Find(l.Chain()[0])
				}
				if kind := first.Status().Kind; kind != test.kind {
					t.Errorf("%s: the link is %s, %q", name, kind, first.Status().Why)
				}
			}
		})
	}
}

func paramiko(settings ...string) func(*testing.T, ssh.PublicKey) sshtest.Foreign {
	return func(t *testing.T, key ssh.PublicKey) sshtest.Foreign { return sshtest.Paramiko(t, key, settings...) }
}

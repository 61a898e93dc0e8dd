//go:build unix

package transport

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestTheProofOfAHostKeyIsFoundInEachExchange has servers of OpenSSH prove
// their keys in each way that there is.
func TestTheProofOfAHostKeyIsFoundInEachExchange(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	dir := t.TempDir()
	rsa := generate(t, dir, "rsa", "", "-t", "rsa", "-b", "2048")
	server := n.sshdWith(t, "h", "HostKey "+rsa)
	n.write(t, "known_hosts", strings.Replace(server.Known(), string(ssh.MarshalAuthorizedKey(server.HostKey)), text(t, rsa+".pub"), 1))
	for _, name := range []string{
		"curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256",
		"diffie-hellman-group16-sha512", "diffie-hellman-group-exchange-sha256",
	} {
		n.host(name, server.Port, "KexAlgorithms "+name)
	}
	cfg := n.load(t)
	for _, name := range cfg.Names()[1:] {
		t.Run(name, func(t *testing.T) {
			links := NewLinks(Options{})
			defer links.Close()
			_, conn := connected(t, links, plan(t, cfg, name))
			b, known := conn.Binding()
			if !known {
				t.Fatal("none was found")
			}
			key, err := ssh.ParsePublicKey(b.HostKey)
			if err != nil {
				t.Fatal(err)
			}
			var signature ssh.Signature
			if err := ssh.Unmarshal(b.Signature, &signature); err != nil {
				t.Fatal(err)
			}
			if err := key.Verify(b.Session, &signature); err != nil {
				t.Error(err)
			}
		})
	}
}

// exchanged is what a server says up to its reply.
func exchanged(number byte, share string) []byte {
	reply := ssh.Marshal(struct{ Key, Share, Signature string }{"key", share, "signature"})
	return []byte("hello\nSSH-2.0-x\r\n" + string(packet("\x14kexinit")) + string(packet("\x02ignored")) +
		string(packet(string(number)+string(reply))) + string(packet("\x15")) + "sealed")
}

// packet is one of RFC 4253 section 6, not encrypted.
func packet(payload string) []byte {
	padding := 8 - (5+len(payload))%8 + 8
	return ssh.Marshal(struct {
		Length  uint32
		Padding byte
		Rest    []byte `ssh:"rest"`
	}{uint32(1 + len(payload) + padding), byte(padding), append([]byte(payload), make([]byte, padding)...)})
}

func TestWhatIsNoKeyExchangeIsNotReadAlong(t *testing.T) {
	group := packet("\x1f" + string(ssh.Marshal(struct{ P, G string }{"p", "g"})))
	for _, row := range []struct {
		name  string
		bytes []byte
		want  string // the key
		over  bool
	}{
		{"a reply", exchanged(msgKexReply, "share"), "key", true},
		{"a reply after a group", bytes.Replace(exchanged(msgGexReply, "share"), packet("\x02ignored"), group, 1), "key", true},
		{"half a reply", exchanged(msgKexReply, "share")[:60], "", false},
		{"no reply before NEWKEYS", bytes.Replace(exchanged(msgKexReply, ""), []byte{msgKexReply, 0, 0, 0, 3}, []byte{msgKexReply, 9, 0, 0, 3}, 1), "", true},
		{"a line without an end", bytes.Repeat([]byte("x"), exchangeMost+1), "", true},
		{"lines without an end", bytes.Repeat([]byte("x\n"), exchangeMost), "", true},
		{"a huge packet", []byte("SSH-2.0-x\r\n\x7f\xff\xff\xff\x04"), "", true},
		{"a packet that is all padding", []byte("SSH-2.0-x\r\n\x00\x00\x00\x0c\x0b"), "", true},
		{"packets without an end", append([]byte("SSH-2.0-x\r\n"), bytes.Repeat(packet("\x02x"), exchangeMost)...), "", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var whole, single exchange
			whole.add(row.bytes)
			for i := range row.bytes {
				single.add(row.bytes[i : i+1])
			}
			for how, e := range map[string]*exchange{"at once": &whole, "byte by byte": &single} {
				if string(e.key) != row.want || (row.want != "") != (string(e.signature) == "signature") || e.over != row.over {
					t.Errorf("%s: key %q, signature %q, over %v; want %q, %v", how, e.key, e.signature, e.over, row.want, row.over)
				}
				if e.over && e.pending != nil {
					t.Errorf("%s: %d bytes are kept", how, len(e.pending))
				}
			}
		})
	}
}

func FuzzExchange(f *testing.F) {
	f.Add(exchanged(msgKexReply, "share"), uint16(30))
	f.Add(exchanged(msgGexReply, "share"), uint16(1))
	f.Add([]byte("SSH-2.0-x\r\n\x00\x00\x00\x0c\x0b"), uint16(12))
	f.Fuzz(func(t *testing.T, said []byte, cut uint16) {
		var whole, halves exchange
		at := min(int(cut), len(said))
		whole.add(said)
		halves.add(said[:at])
		halves.add(said[at:])
		if !bytes.Equal(whole.key, halves.key) || !bytes.Equal(whole.signature, halves.signature) {
			t.Errorf("%q is read as %q, in halves as %q", said, whole.key, halves.key)
		}
		if len(whole.pending) > exchangeMost {
			t.Errorf("%d bytes are kept", len(whole.pending))
		}
	})
}

// A server's first bytes are read along whole, and passed on as they are.
func TestReadingAlongChangesNothing(t *testing.T) {
	near, far := newPipe()
	said := exchanged(msgKexReply, "share")
	if _, err := far.Write(said); err != nil {
		t.Fatal(err)
	}
	w := newWire(near)
	got := make([]byte, len(said))
	for i := range got[:20] {
		if _, err := w.Read(got[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.Read(got[20:]); err != nil || n+20 != len(said) || !bytes.Equal(got, said) {
		t.Errorf("%q came, %v, want %q", got[:20+n], err, said)
	}
	if key, signature := w.proof(); string(key) != "key" || string(signature) != "signature" {
		t.Errorf("the proof is %q, %q", key, signature)
	}
}

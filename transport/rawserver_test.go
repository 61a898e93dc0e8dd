package transport

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// rawServer speaks SSH message by message, so that it can break every rule;
// x/crypto's server keeps them. It knows one algorithm of each kind:
// curve25519-sha256 (RFC 8731), ssh-ed25519 and aes128-gcm@openssh.com
// (RFC 5647, as PROTOCOL of OpenSSH has it).
type rawServer struct {
	conn net.Conn
	in   *bufio.Reader
	key  ssh.Signer
	lie  bool // sign something else than the exchange hash

	theirVersion, theirInit, ourInit string
	secret, hash                     []byte // of the key exchange
	opens, seals                     *gcm   // nil before the keys are in use
}

const rawVersion = "SSH-2.0-raw"

// The messages of RFC 4253, 4252 and 4254 by number.
const (
	rawDisconnect     = 1
	rawServiceAccept  = 6
	rawExtInfo        = 7
	rawKexInit        = 20
	rawNewKeys        = 21
	rawKexReply       = 31
	rawAuthFailure    = 51
	rawAuthSuccess    = 52
	rawAuthBanner     = 53
	rawInfoRequest    = 60
	rawGlobalRequest  = 80
	rawChannelOpen    = 90
	rawChannelConfirm = 91
	rawWindowAdjust   = 93
	rawChannelData    = 94
	rawChannelClose   = 97
	rawChannelRequest = 98
)

// rawSteps are what a good server says until somebody is logged in, in order.
var rawSteps = []struct {
	name string
	act  func(*rawServer) error
}{
	{"the version line", (*rawServer).version},
	{"KEXINIT", (*rawServer).begin},
	{"the key exchange reply", (*rawServer).agree},
	{"NEWKEYS", (*rawServer).newKeys},
	{"SERVICE_ACCEPT", (*rawServer).service},
	{"the answer to none", (*rawServer).refuseNone},
	{"success", (*rawServer).letIn},
}

func newRawServer(c net.Conn, key ssh.Signer) *rawServer {
	return &rawServer{conn: c, in: bufio.NewReader(c), key: key}
}

// behave does the steps before the one called until, all of them for "".
func (s *rawServer) behave(until string) error {
	for _, step := range rawSteps {
		if step.name == until {
			return nil
		}
		if err := step.act(s); err != nil {
			return err
		}
	}
	return nil
}

func (s *rawServer) version() error {
	if _, err := io.WriteString(s.conn, rawVersion+"\r\n"); err != nil {
		return err
	}
	line, err := s.in.ReadString('\n')
	s.theirVersion = strings.TrimSpace(line)
	return err
}

func (s *rawServer) begin() error {
	body := "0123456789abcdef" // the cookie
	for _, list := range []string{
		"curve25519-sha256", "ssh-ed25519", "aes128-gcm@openssh.com", "aes128-gcm@openssh.com",
		"hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "",
	} {
		body += sized(list)
	}
	s.ourInit = string(rune(rawKexInit)) + body + "\x00\x00\x00\x00\x00"
	if err := s.send(s.ourInit); err != nil {
		return err
	}
	init, err := s.receive()
	s.theirInit = init
	return err
}

// agree answers KEX_ECDH_INIT (RFC 5656 section 4).
func (s *rawServer) agree() error {
	init, err := s.receive()
	if err != nil {
		return err
	}
	if len(init) != 1+4+32 {
		return fmt.Errorf("a key exchange of %d bytes", len(init))
	}
	theirs, err := ecdh.X25519().NewPublicKey([]byte(init[5:]))
	if err != nil {
		return err
	}
	ours, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	shared, err := ours.ECDH(theirs)
	if err != nil {
		return err
	}
	s.secret = ssh.Marshal(struct{ K *big.Int }{new(big.Int).SetBytes(shared)})
	point, blob := string(ours.PublicKey().Bytes()), string(s.key.PublicKey().Marshal())
	exchanged := sized(s.theirVersion) + sized(rawVersion) + sized(s.theirInit) + sized(s.ourInit) +
		sized(blob) + sized(init[5:]) + sized(point) + string(s.secret)
	hash := sha256.Sum256([]byte(exchanged))
	s.hash = hash[:]
	signed := s.hash
	if s.lie {
		signed = []byte("something else")
	}
	signature, err := s.key.Sign(rand.Reader, signed)
	if err != nil {
		return err
	}
	return s.send(string(rune(rawKexReply)) + sized(blob) + sized(point) + sized(string(ssh.Marshal(signature))))
}

func (s *rawServer) newKeys() error {
	if err := s.send(string(rune(rawNewKeys))); err != nil {
		return err
	}
	s.seals = s.keys('B', 'D')
	if _, err := s.receive(); err != nil {
		return err
	}
	s.opens = s.keys('A', 'C')
	return nil
}

// keys derives an IV and a key (RFC 4253 section 7.2).
func (s *rawServer) keys(iv, key byte) *gcm {
	derive := func(letter byte) []byte {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s%s%c%s", s.secret, s.hash, letter, s.hash))
		return sum[:]
	}
	block, err := aes.NewCipher(derive(key)[:16])
	if err != nil {
		panic(err) // of 16 bytes there is always one
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // as above
	}
	return &gcm{aead, derive(iv)[:12]}
}

func (s *rawServer) service() error {
	if _, err := s.receive(); err != nil {
		return err
	}
	return s.send(string(rune(rawServiceAccept)) + sized("ssh-userauth"))
}

func (s *rawServer) refuseNone() error {
	if _, err := s.receive(); err != nil {
		return err
	}
	return s.refuse("keyboard-interactive,publickey", 0)
}

func (s *rawServer) refuse(methods string, partial byte) error {
	return s.send(string(rune(rawAuthFailure)) + sized(methods) + string(rune(partial)))
}

func (s *rawServer) letIn() error {
	if _, err := s.receive(); err != nil {
		return err
	}
	return s.send(string(rune(rawAuthSuccess)))
}

// send writes one message, as a packet of RFC 4253 section 6.
func (s *rawServer) send(payload string) error {
	block, head := 8, 4
	if s.seals != nil {
		block, head = 16, 0 // the length is not encrypted
	}
	pad := block - (head+1+len(payload))%block
	if pad < 4 {
		pad += block
	}
	body := append([]byte{byte(pad)}, payload...)
	body = append(body, make([]byte, pad)...)
	packet := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	if s.seals != nil {
		packet = s.seals.aead.Seal(packet, s.seals.next(), body, packet)
	} else {
		packet = append(packet, body...)
	}
	_, err := s.conn.Write(packet)
	return err
}

// receive reads one message.
func (s *rawServer) receive() (string, error) {
	length := make([]byte, 4)
	if _, err := io.ReadFull(s.in, length); err != nil {
		return "", err
	}
	n := int(binary.BigEndian.Uint32(length))
	if n < 2 || n > 1<<20 {
		return "", fmt.Errorf("a packet of %d bytes", n)
	}
	if s.opens != nil {
		n += s.opens.aead.Overhead()
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(s.in, body); err != nil {
		return "", err
	}
	if s.opens != nil {
		var err error
		if body, err = s.opens.aead.Open(nil, s.opens.next(), body, length); err != nil {
			return "", err
		}
	}
	if int(body[0])+1 >= len(body) {
		return "", errors.New("a packet of padding")
	}
	return string(body[1 : len(body)-int(body[0])]), nil
}

// gcm is one direction of aes128-gcm@openssh.com.
type gcm struct {
	aead cipher.AEAD
	iv   []byte
}

// next is the nonce of the next packet: the last 8 bytes count.
func (g *gcm) next() []byte {
	nonce := append([]byte(nil), g.iv...)
	count := g.iv[4:]
	binary.BigEndian.PutUint64(count, binary.BigEndian.Uint64(count)+1)
	return nonce
}

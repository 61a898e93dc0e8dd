package keys

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/crypto/ssh"
)

// Token is what signing with a key in a FIDO token takes besides its file.
type Token struct {
	Helper   string               // the program ssh-sk-helper, see FindHelper
	Provider string               // SecurityKeyProvider of ssh_config(5)
	Env      []string             // of the helper
	Touch    func() (done func()) // the token waits for a touch, until done
	PIN      func(ctx context.Context, path string) ([]byte, error)
}

// helpers are the places of ssh-sk-helper: Debian, Fedora, Arch and SUSE, the
// BSDs and macOS, Homebrew.
var helpers = []string{
	"/usr/lib/openssh/ssh-sk-helper",
	"/usr/libexec/openssh/ssh-sk-helper",
	"/usr/lib/ssh/ssh-sk-helper",
	"/usr/libexec/ssh-sk-helper",
	"/usr/local/libexec/ssh-sk-helper",
	"/opt/homebrew/opt/openssh/libexec/ssh-sk-helper",
}

// FindHelper is where ssh-sk-helper is installed, "" if it is not. named is
// the value of SSH_SK_HELPER, which comes first.
func FindHelper(named string) string {
	for _, path := range append([]string{named}, helpers...) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// tokenKey is a key that a FIDO token holds. Its file has only the handle by
// which the token finds it.
type tokenKey struct {
	public     ssh.PublicKey
	serialized []byte // as sshkey_private_serialize (sshkey.c) writes it
	touch      bool   // it signs only when somebody touches it

	ctx   context.Context // ends the helper
	path  string
	token *Token // nil where there is none to use
}

// presence is SSH_SK_USER_PRESENCE_REQD (sk-api.h).
const presence = 1

// errToken is a file that only stands for a key in a FIDO token.
var errToken = errors.New("it is a security key, which needs ssh-sk-helper or an agent")

// errPIN is a token that signs only after its PIN.
var errPIN = errors.New("it needs its PIN")

// skEd25519 and skECDSA are the private halves of [PROTOCOL.u2f], "SSH U2F
// Key formats", and what follows them in a file.
type (
	skEd25519 struct {
		Point, Application []byte
		Flags              byte
		Handle, Reserved   []byte
		Rest               []byte `ssh:"rest"`
	}
	skECDSA struct {
		Curve, Point, Application []byte
		Flags                     byte
		Handle, Reserved          []byte
		Rest                      []byte `ssh:"rest"`
	}
)

func parseTokenKey(c container, public ssh.PublicKey) (*tokenKey, error) {
	section, err := c.section(nil)
	if err != nil {
		return nil, err
	}
	var head struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(section, &head); err != nil || head.Type != public.Type() {
		return nil, errMalformed
	}
	var flags byte
	var after []byte
	if head.Type == ssh.KeyAlgoSKED25519 {
		var k skEd25519
		err = ssh.Unmarshal(head.Rest, &k)
		flags, after = k.Flags, k.Rest
	} else {
		var k skECDSA
		err = ssh.Unmarshal(head.Rest, &k)
		flags, after = k.Flags, k.Rest
	}
	if err != nil {
		return nil, errMalformed
	}
	return &tokenKey{public: public, serialized: section[:len(section)-len(after)], touch: flags&presence != 0}, nil
}

func (k *tokenKey) PublicKey() ssh.PublicKey { return k.public }

func (k *tokenKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return k.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm asks for the PIN only once the token has asked for it:
// identity_sign (sshconnect2.c).
func (k *tokenKey) SignWithAlgorithm(_ io.Reader, data []byte, _ string) (*ssh.Signature, error) {
	if k.token == nil {
		return nil, errToken
	}
	signature, err := k.sign(data, nil)
	if !errors.Is(err, errPIN) || k.token.PIN == nil {
		return signature, err
	}
	pin, err := k.token.PIN(k.ctx, k.path)
	if err != nil {
		return nil, err
	}
	defer clear(pin)
	return k.sign(data, pin)
}

func (k *tokenKey) sign(data, pin []byte) (*ssh.Signature, error) {
	if k.touch && k.token.Touch != nil {
		defer k.token.Touch()()
	}
	request := helperRequest(k.serialized, k.token.Provider, data, pin)
	defer clear(request)
	cmd := exec.CommandContext(k.ctx, k.token.Helper)
	cmd.Env = k.token.Env
	cmd.Stdin = bytes.NewReader(request)
	var reply bytes.Buffer
	cmd.Stdout = &limited{&reply, maxFile}
	if err := cmd.Run(); err != nil {
		if k.ctx.Err() != nil {
			return nil, context.Cause(k.ctx)
		}
		return nil, fmt.Errorf("%s: %w", k.token.Helper, err)
	}
	return parseHelperReply(reply.Bytes())
}

// limited takes at most room bytes.
type limited struct {
	*bytes.Buffer
	room int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.room {
		return 0, errors.New("the answer is too long")
	}
	return l.Buffer.Write(p)
}

// The messages of ssh-sk-helper (ssh-sk.h, ssh-sk-helper.c): each is a length,
// the version, and a body that begins with its type. They are documented
// nowhere else; a helper of another version ends without an answer.
const (
	helperVersion   = 5
	helperError     = 0
	helperSign      = 1
	helperLogLevel  = 1 // SYSLOG_LEVEL_FATAL
	helperHeadBytes = 5 // length and version
)

func helperRequest(key []byte, provider string, data, pin []byte) []byte {
	body := ssh.Marshal(struct {
		Type      uint32
		Stderr    bool
		LogLevel  uint32
		Key       []byte
		Provider  string
		Data      []byte
		Algorithm string
		Compat    uint32
		PIN       []byte
	}{Type: helperSign, LogLevel: helperLogLevel, Key: key, Provider: provider, Data: data, PIN: pin})
	defer clear(body)
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, helperHeadBytes+len(body)), uint32(1+len(body)))
	return append(append(framed, helperVersion), body...)
}

func parseHelperReply(reply []byte) (*ssh.Signature, error) {
	errReply := errors.New("ssh-sk-helper gave an answer that is not understood")
	if len(reply) < helperHeadBytes || int(binary.BigEndian.Uint32(reply)) != len(reply)-4 || reply[4] != helperVersion {
		return nil, errReply
	}
	body := reply[helperHeadBytes:]
	var kind struct {
		Type uint32
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(body, &kind); err != nil {
		return nil, errReply
	}
	switch kind.Type {
	case helperError:
		var failed struct{ Code uint32 }
		if err := ssh.Unmarshal(kind.Rest, &failed); err != nil {
			return nil, errReply
		}
		return nil, helperFailure(failed.Code)
	case helperSign:
		var signed struct{ Signature []byte }
		var signature ssh.Signature
		if err := ssh.Unmarshal(kind.Rest, &signed); err != nil || ssh.Unmarshal(signed.Signature, &signature) != nil {
			return nil, errReply
		}
		return &signature, nil
	}
	return nil, errReply
}

// helperFailure words an error number of ssherr.h, which comes without its
// sign.
func helperFailure(code uint32) error {
	switch code {
	case 4: // SSH_ERR_INVALID_FORMAT, where sshsk_open (ssh-sk.c) could not load it
		return errors.New("the SecurityKeyProvider cannot be used")
	case 43: // SSH_ERR_KEY_WRONG_PASSPHRASE
		return errPIN
	case 59: // SSH_ERR_FEATURE_UNSUPPORTED
		return errors.New("the security key cannot do what the key asks for")
	case 60: // SSH_ERR_DEVICE_NOT_FOUND
		return errors.New("no security key that holds it is plugged in")
	}
	return fmt.Errorf("the security key did not sign (error %d of ssh-sk-helper)", code)
}

package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// prove has the server sign with each of these keys what only this connection
// can have: [PROTOCOL] section 2.5, "hostkeys-prove-00@openssh.com".
func (c *Conn) prove(ctx context.Context, unseen []ssh.PublicKey) error {
	var request []byte
	for _, key := range unseen {
		request = append(request, ssh.Marshal(struct{ Blob []byte }{key.Marshal()})...)
	}
	type answer struct {
		proven bool
		proofs []byte
	}
	got, err := inTime(ctx, c, func() (a answer, err error) {
		a.proven, a.proofs, err = c.client.SendRequest(proveRequest, true, request)
		return a, err
	}, func(answer) {})
	if err != nil {
		c.awaitEnd(ctx)
		return c.explainChannel(ctx, err)
	}
	if !got.proven {
		return errors.New("the server failed to confirm ownership of private host keys")
	}
	proofs := cryptobyte.String(got.proofs)
	for _, key := range unseen {
		var proof cryptobyte.String
		if !readString(&proofs, &proof) {
			return errors.New("the server proved fewer keys than it offers")
		}
		if err := c.verifyProof(key, proof); err != nil {
			return fmt.Errorf("the server gave a bad signature for the %s key %s: %s", keys.TypeName(key), keys.Fingerprint(key), config.Printable(err.Error()))
		}
	}
	return nil
}

// verifyProof checks one signature. An RSA key has to sign as at the key
// exchange, where that was with RSA.
func (c *Conn) verifyProof(key ssh.PublicKey, proof []byte) error {
	var signature ssh.Signature
	if err := ssh.Unmarshal(proof, &signature); err != nil {
		return err
	}
	if exchanged := c.hostKeyAlgorithm(); hostKeyType(exchanged) == ssh.KeyAlgoRSA && key.Type() == ssh.KeyAlgoRSA &&
		signature.Format != strings.TrimSuffix(exchanged, certSuffix) {
		return fmt.Errorf("it is of the type %s, not %s", signature.Format, exchanged)
	}
	return key.Verify(ssh.Marshal(struct {
		Request string
		Session []byte
		Key     []byte
	}{proveRequest, c.client.SessionID(), key.Marshal()}), &signature)
}

// hostKeyAlgorithm is the one of the key exchange, "" if that is not known.
func (c *Conn) hostKeyAlgorithm() string {
	if negotiated, ok := c.client.Conn.(ssh.AlgorithmsConnMetadata); ok {
		return negotiated.Algorithms().HostKey
	}
	return ""
}

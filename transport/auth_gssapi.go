package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/nss"
)

// ticketLimit is how long the Kerberos server may take to give a ticket for a
// host; the library knows no context.
const ticketLimit = 15 * time.Second

// gssapi is RFC 4462 section 3 with the person's Kerberos ticket, once, as
// userauth_gssapi (sshconnect2.c). Without a ticket nothing is tried.
func (a *auth) gssapi() ssh.AuthMethod {
	if a.kerberos != nil {
		return nil
	}
	a.kerberos = &securityContext{}
	a.step("gssapi-with-mic")
	host := a.kerberosName()
	service, err := a.serviceTicket(host)
	if err != nil {
		a.without("gssapi-with-mic", err)
		return nil
	}
	if yes(a.host, "GSSAPIDelegateCredentials") {
		a.told.say(1, "Kerberos credentials are not delegated: Sallyport cannot do that")
	}
	a.kerberos.service = service
	a.begin(&trial{method: "gssapi-with-mic", what: service.client})
	return ssh.GSSAPIWithMICAuthMethod(a.kerberos, host)
}

// kerberosName is the name of the host as its ticket has it: that of the
// configuration, or the canonical one where Kerberos is to ask the DNS.
func (a *auth) kerberosName() string {
	if name := a.host.Get("GSSAPIServerIdentity"); name != "" {
		return name
	}
	return strings.ToLower(a.host.HostName())
}

// serviceTicket gets a ticket for the host, within a limit of time.
func (a *auth) serviceTicket(host string) (*serviceTicket, error) {
	type got struct {
		service *serviceTicket
		err     error
	}
	came := make(chan got, 1)
	ctx, cancel := context.WithTimeoutCause(a.ctx, ticketLimit, silence{"of the Kerberos server", ticketLimit})
	defer cancel()
	go func() { // ends with the library's own limits
		service, err := guarded(func() (*serviceTicket, error) { return newServiceTicket(ctx, a.env, host) })
		came <- got{service, err}
	}()
	select {
	case g := <-came:
		return g.service, g.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// canonicalName follows the aliases of a name; it stays itself where the DNS
// does not know it, as behind a bastion.
func canonicalName(ctx context.Context, name string) string {
	canonical, err := nss.LookupCNAME(ctx, name)
	if err != nil || canonical == "" {
		return name
	}
	return strings.ToLower(strings.TrimSuffix(canonical, "."))
}

// guarded turns a panic into an error: gokrb5 reads past the end of what is
// cut short, also when a server sent it.
func guarded[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("it is malformed")
		}
	}()
	return f()
}

// securityContext is one GSS-API context with the Kerberos mechanism (RFC
// 4121), on the side that begins. It asks the server to prove itself.
type securityContext struct {
	service  *serviceTicket
	sent     types.Authenticator
	key      types.EncryptionKey // that signs
	acceptor bool                // key was chosen by the server
}

// The identifiers of the tokens, RFC 4121 section 4.1.
var (
	tokenRequest = []byte{1, 0}
	tokenReply   = []byte{2, 0}
	tokenError   = []byte{3, 0}
)

// InitSecContext is called with the server's reply, or with nothing at first.
func (s *securityContext) InitSecContext(_ string, reply []byte, _ bool) (token []byte, more bool, err error) {
	if reply == nil {
		token, err = s.request()
		return token, true, err
	}
	_, err = guarded(func() (struct{}, error) { return struct{}{}, s.accept(reply) })
	return nil, false, err
}

// request is the token that begins, RFC 4121 section 4.1.
func (s *securityContext) request() ([]byte, error) {
	authenticator, err := types.NewAuthenticator(s.service.realm, s.service.name)
	if err != nil {
		return nil, err
	}
	// RFC 4121 section 4.1.1: no channel binding, and the flags.
	sum := make([]byte, 24)
	binary.LittleEndian.PutUint32(sum, 16)
	binary.LittleEndian.PutUint32(sum[20:], gssapi.ContextFlagMutual|gssapi.ContextFlagInteg)
	authenticator.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: sum}
	request, err := messages.NewAPReq(s.service.ticket, s.service.key, authenticator)
	if err != nil {
		return nil, err
	}
	types.SetFlag(&request.APOptions, flags.APOptionMutualRequired)
	body, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	mechanism, err := mechanismID()
	if err != nil {
		return nil, err
	}
	s.sent = authenticator
	return asn1tools.AddASNAppTag(bytes.Join([][]byte{mechanism, tokenRequest, body}, nil), 0), nil
}

func mechanismID() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier([]int(gssapi.OIDKRB5.OID()))
	return b.Bytes()
}

// accept checks that the server could read the request: RFC 4120 section
// 3.2.5.
func (s *securityContext) accept(token []byte) error {
	kind, body, err := openToken(token)
	switch {
	case err != nil:
		return err
	case bytes.Equal(kind, tokenError):
		var refused messages.KRBError
		if err := refused.Unmarshal(body); err != nil {
			return err
		}
		return kerberosError(refused)
	case !bytes.Equal(kind, tokenReply):
		return errors.New("the server answered with another kind of token")
	}
	var reply messages.APRep
	if err := reply.Unmarshal(body); err != nil {
		return err
	}
	plain, err := crypto.DecryptEncPart(reply.EncPart, s.service.key, keyusage.AP_REP_ENCPART)
	if err != nil {
		return err
	}
	var proof messages.EncAPRepPart
	if err := proof.Unmarshal(plain); err != nil {
		return err
	}
	if proof.Cusec != s.sent.Cusec || proof.CTime.Unix() != s.sent.CTime.Unix() {
		return errors.New("the server did not prove that it has the key of its name")
	}
	s.key, s.acceptor = s.service.key, len(proof.Subkey.KeyValue) > 0
	if s.acceptor {
		s.key = proof.Subkey
	}
	return nil
}

// openToken takes the framing of RFC 2743 section 3.1 from a token.
func openToken(token []byte) (kind, body []byte, err error) {
	var inner, mechanism cryptobyte.String
	outer := cryptobyte.String(token)
	const application = cryptobyteasn1.Tag(0x60)
	if !outer.ReadASN1(&inner, application) || !inner.ReadASN1(&mechanism, cryptobyteasn1.OBJECT_IDENTIFIER) || !inner.ReadBytes(&kind, 2) {
		return nil, nil, errors.New("the server's token is malformed")
	}
	return kind, inner, nil
}

// GetMIC signs, RFC 4121 section 4.2.6.1.
func (s *securityContext) GetMIC(data []byte) ([]byte, error) {
	mic := gssapi.MICToken{SndSeqNum: uint64(s.sent.SeqNumber), Payload: data}
	if s.acceptor {
		mic.Flags = gssapi.MICTokenFlagAcceptorSubkey
	}
	if err := mic.SetChecksum(s.key, keyusage.GSSAPI_INITIATOR_SIGN); err != nil {
		return nil, err
	}
	return mic.Marshal()
}

// DeleteSecContext forgets the keys.
func (s *securityContext) DeleteSecContext() error {
	clear(s.key.KeyValue)
	clear(s.service.key.KeyValue)
	return nil
}

// kerberosError words an error of a Kerberos server.
func kerberosError(e messages.KRBError) error {
	text := e.EText
	if text == "" {
		text = fmt.Sprintf("error %d", e.ErrorCode)
	}
	return fmt.Errorf("Kerberos: %s", text)
}

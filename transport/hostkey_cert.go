package transport

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// certified checks a host certificate against the @cert-authority lines. What is
// wrong with one of a known authority is told, as ssh does: its key may be known
// all the same (sshkey_cert_check_authority).
func (k *hostKeys) certified(cert *ssh.Certificate) error {
	authorities := k.known.marked(markerAuthority)
	if k.bare != "" {
		authorities = append(authorities, k.all.of(k.bare).marked(markerAuthority)...)
	}
	if _, found := authorities.find(cert.SignatureKey); !found {
		return errors.New("its authority is not known")
	}
	err := k.valid(cert)
	if err != nil {
		k.notice("Certificate invalid: %v", err)
	}
	return err
}

func (k *hostKeys) valid(cert *ssh.Certificate) error {
	if cert.CertType != ssh.HostCert {
		return errors.New("it is not a host certificate")
	}
	if allowed := list(k.host, "CASignatureAlgorithms"); len(allowed) > 0 && !slices.Contains(allowed, cert.Signature.Format) {
		return fmt.Errorf("it is signed with %s, which CASignatureAlgorithms leaves out", config.Printable(cert.Signature.Format))
	}
	principal := given(k.host, "HostKeyAlias")
	if principal == "" {
		principal = strings.ToLower(k.host.HostName())
	}
	if err := new(ssh.CertChecker).CheckCert(principal, cert); err != nil {
		return errors.New(config.Printable(strings.TrimPrefix(err.Error(), "ssh: ")))
	}
	return nil
}

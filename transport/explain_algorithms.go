package transport

import (
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"
)

// keywordOf is the option that changes what is offered, by what x/crypto
// calls it.
func keywordOf(what string) string {
	switch {
	case what == "key exchange":
		return "KexAlgorithms"
	case what == "host key":
		return "HostKeyAlgorithms"
	case strings.HasSuffix(what, "cipher"):
		return "Ciphers"
	case strings.HasSuffix(what, "MAC"):
		return "MACs"
	case strings.HasSuffix(what, "compression"):
		return "Compression"
	}
	return ""
}

func (c dialCall) nothingInCommon(err *ssh.AlgorithmNegotiationError) *Failure {
	what, keyword, theirs := err.What, keywordOf(err.What), onOffer(err)
	if what == "host key" {
		what = "host key algorithm"
	}
	f := &Failure{
		Code: CodeAlgorithms,
		Message: fmt.Sprintf("no %s in common: the server offers %s; we offer %s",
			what, strings.Join(theirs, ","), strings.Join(err.SupportedAlgorithms, ",")),
	}
	if d, ok := demandOfServer(c.host(), err); ok {
		f.Hint = fmt.Sprintf("ssh can do this (%s): install the OpenSSH client", d.what)
		return f
	}
	known := slices.IndexFunc(theirs, func(name string) bool { return slices.Contains(knownAlgorithms(keyword), name) })
	switch _, set := c.host().IsSet(keyword); {
	case set:
		f.Hint = whereSet(c.host(), keyword)
	case known >= 0:
		f.Hint = c.allow(keyword, theirs[known])
	}
	return f
}

// onOffer are the algorithms of a server, without what only looks like one:
// kex-strict-s-v00@openssh.com and ext-info-s say what it can do.
func onOffer(err *ssh.AlgorithmNegotiationError) []string {
	return slices.DeleteFunc(slices.Clone(err.RequestedAlgorithms), func(name string) bool {
		return strings.HasPrefix(name, "kex-strict-") || strings.HasPrefix(name, "ext-info-")
	})
}

// allow is the command that permits an old algorithm.
func (c dialCall) allow(keyword, name string) string {
	return fmt.Sprintf("if you trust this server's age: sallyport host edit %s --set %s=+%s", shellescape.Quote(c.host().Name), keyword, name)
}

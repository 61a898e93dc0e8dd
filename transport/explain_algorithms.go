package transport

import (
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"
)

// AlgorithmKind is a kind of algorithms that two sides agree on.
type AlgorithmKind struct {
	Name    string // ssh's, where there is none in common (ssherr.c)
	Keyword string // of ssh_config, that changes what is offered; "" where the kind is not known
}

// algorithmKinds are the kinds by what x/crypto/ssh calls them, after "client
// to server" and its like.
var algorithmKinds = []struct {
	what string
	AlgorithmKind
}{
	{"key exchange", AlgorithmKind{"key exchange method", "KexAlgorithms"}},
	{"host key", AlgorithmKind{"host key type", "HostKeyAlgorithms"}},
	{"cipher", AlgorithmKind{"cipher", "Ciphers"}},
	{"MAC", AlgorithmKind{"MAC", "MACs"}},
	{"compression", AlgorithmKind{"compression method", "Compression"}},
}

// AlgorithmKindOf is the kind of an ssh.AlgorithmNegotiationError, by its What.
func AlgorithmKindOf(what string) AlgorithmKind {
	for _, known := range algorithmKinds {
		if strings.HasSuffix(what, known.what) {
			return known.AlgorithmKind
		}
	}
	return AlgorithmKind{Name: what}
}

func (c dialCall) nothingInCommon(err *ssh.AlgorithmNegotiationError) *Failure {
	what, keyword, theirs := err.What, AlgorithmKindOf(err.What).Keyword, onOffer(err)
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

package transport

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// demand is what a configuration, or a server, asks for and x/crypto/ssh
// cannot do. OpenSSH itself is started to meet it, as the third kind of link;
// where it is missing the host is refused. It is never passed over.
type demand struct {
	keyword string // the option behind it
	what    string // as a person reads it: "Compression yes"
}

// demands are the options that x/crypto/ssh cannot meet, each with the values
// that count.
var demands = []struct {
	keyword string
	counts  func(h *config.Host, keyword string) bool
}{
	{"Compression", compressionOrdered},
	{"GSSAPIKeyExchange", yes},
	{"HostbasedAuthentication", yes},
	{"PKCS11Provider", isGiven},
	{"RekeyLimit", rekeysByTime},
	{"Ciphers", onlyUnknown},
	{"MACs", onlyUnknown},
	{"KexAlgorithms", onlyUnknown},
	{"HostKeyAlgorithms", onlyUnknown},
}

// demandOf is the first demand of a host's configuration.
func demandOf(h *config.Host) (demand, bool) {
	for _, d := range demands {
		if d.counts(h, d.keyword) {
			return demand{d.keyword, d.keyword + " " + h.Get(d.keyword)}, true
		}
	}
	return demand{}, false
}

// compressionOrdered: in a file Compression is a wish, which costs more than
// it brings on today's networks; -C is an order.
func compressionOrdered(h *config.Host, keyword string) bool {
	origin, _ := h.IsSet(keyword)
	return yes(h, keyword) && origin == config.CommandLine
}

func isGiven(h *config.Host, keyword string) bool { return given(h, keyword) != "" }

// rekeysByTime: ssh -G prints a limit of bytes and one of seconds.
func rekeysByTime(h *config.Host, keyword string) bool {
	limits := strings.Fields(h.Get(keyword))
	return len(limits) == 2 && limits[1] != "0" && limits[1] != "none"
}

// onlyUnknown tells whether a list of algorithms was set of which not one is
// known to x/crypto/ssh.
func onlyUnknown(h *config.Host, keyword string) bool {
	_, set := h.IsSet(keyword)
	return set && !slices.ContainsFunc(list(h, keyword), func(name string) bool {
		return slices.Contains(knownAlgorithms(keyword), name)
	})
}

// demandOfServer is what a server insists on that x/crypto/ssh lacks and that
// ssh would agree to with this configuration.
func demandOfServer(h *config.Host, err *ssh.AlgorithmNegotiationError) (demand, bool) {
	keyword := AlgorithmKindOf(err.What).Keyword
	if keyword == "Compression" {
		return demand{keyword, "the server wants compression"}, slices.Contains(err.RequestedAlgorithms, "zlib@openssh.com")
	}
	for _, name := range list(h, keyword) {
		if slices.Contains(err.RequestedAlgorithms, name) && !slices.Contains(knownAlgorithms(keyword), name) {
			return demand{keyword, fmt.Sprintf("the server's %s %s", err.What, name)}, true
		}
	}
	return demand{}, false
}

// unmet is a wish of the configuration that a native link does not fulfil, in
// a person's words; "" for none.
func unmet(h *config.Host) string {
	var wishes []string
	if yes(h, "Compression") {
		wishes = append(wishes, "not compressed")
	}
	if isGiven(h, "ChannelTimeout") {
		wishes = append(wishes, "without ChannelTimeout")
	}
	return strings.Join(wishes, ", ")
}

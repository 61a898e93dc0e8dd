package transport

import (
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/cpu"

	"sallyport/config"
)

// curve25519OfLibssh is the older name of curve25519-sha256 (RFC 8731), known
// to x/crypto but not listed by it.
const curve25519OfLibssh = "curve25519-sha256@libssh.org"

// algorithmsOf is the order of algorithms: that of the configuration where it
// says one, else what x/crypto holds to be secure. Names that x/crypto does
// not know are passed over; a list of nothing else is a demand.
func algorithmsOf(h *config.Host) ssh.Config {
	usual := ssh.SupportedAlgorithms()
	return ssh.Config{
		Ciphers:        chosen(h, "Ciphers", ciphersFor(usual.Ciphers, hasAES())),
		MACs:           chosen(h, "MACs", usual.MACs),
		KeyExchanges:   chosen(h, "KexAlgorithms", usual.KeyExchanges),
		RekeyThreshold: rekeyThreshold(h),
	}
}

// chosen is the list that a keyword sets, of which config has resolved +, -
// and ^ against ssh's own as ssh does, or else the usual one.
func chosen(h *config.Host, keyword string, usual []string) []string {
	if _, set := h.IsSet(keyword); !set {
		return usual
	}
	known := knownAlgorithms(keyword)
	return slices.DeleteFunc(list(h, keyword), func(name string) bool { return !slices.Contains(known, name) })
}

// knownAlgorithms are those of x/crypto/ssh that an option may name, with
// those that are only used if it does.
func knownAlgorithms(keyword string) []string {
	secure, insecure := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	switch keyword {
	case "Ciphers":
		return slices.Concat(secure.Ciphers, insecure.Ciphers)
	case "MACs":
		return slices.Concat(secure.MACs, insecure.MACs)
	case "KexAlgorithms":
		return slices.Concat(secure.KeyExchanges, insecure.KeyExchanges, []string{curve25519OfLibssh})
	case "HostKeyAlgorithms":
		return slices.Concat(secure.HostKeys, insecure.HostKeys)
	}
	return nil
}

// ciphersFor puts AES-GCM first where the processor has AES, and
// ChaCha20-Poly1305, which is about half as fast there, where it has not.
func ciphersFor(usual []string, aes bool) []string {
	if aes {
		return usual // x/crypto's own order
	}
	const first = ssh.CipherChaCha20Poly1305
	return append([]string{first}, slices.DeleteFunc(slices.Clone(usual), func(name string) bool { return name == first })...)
}

func hasAES() bool {
	switch runtime.GOARCH {
	case "amd64", "386":
		return cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ
	case "arm64":
		return cpu.ARM64.HasAES && cpu.ARM64.HasPMULL
	case "s390x":
		return cpu.S390X.HasAES
	case "ppc64le":
		return true // POWER8, the least that Go runs on, has it
	}
	return false
}

// leastRekey is the lowest threshold, in bytes: at one below what a server says
// after each key exchange (RFC 8308) x/crypto/ssh comes to nothing else.
const leastRekey = 4 << 10

// rekeyThreshold is RekeyLimit as far as x/crypto/ssh can keep it.
func rekeyThreshold(h *config.Host) uint64 {
	limit := rekeyLimit(h)
	if limit == 0 {
		return 0
	}
	return max(limit, leastRekey)
}

// rekeyLimit is the bytes of RekeyLimit as ssh -G prints it, 0 for the
// cipher's own.
func rekeyLimit(h *config.Host) uint64 {
	fields := strings.Fields(h.Get("RekeyLimit"))
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseUint(fields[0], 10, 64)
	if err != nil {
		return 0 // "default"
	}
	return n
}

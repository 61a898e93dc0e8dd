package transport

import (
	"fmt"
	"path"
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
// says one, else what x/crypto holds to be secure.
func algorithmsOf(h *config.Host) (ssh.Config, error) {
	secure, insecure := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	var c ssh.Config
	for _, list := range []struct {
		keyword string
		usual   []string
		more    []string // known, but only used if the configuration says so
		into    *[]string
	}{
		{"Ciphers", ciphersFor(secure.Ciphers, hasAES()), insecure.Ciphers, &c.Ciphers},
		{"MACs", secure.MACs, insecure.MACs, &c.MACs},
		{"KexAlgorithms", secure.KeyExchanges, append(insecure.KeyExchanges, curve25519OfLibssh), &c.KeyExchanges},
	} {
		*list.into = list.usual
		if _, set := h.IsSet(list.keyword); !set {
			continue
		}
		chosen := choose(h.Get(list.keyword), list.usual, list.more)
		if len(chosen) == 0 {
			return c, refusal(h, list.keyword, fmt.Sprintf("%s %q names nothing that is known here; known are %s",
				list.keyword, h.Get(list.keyword), strings.Join(slices.Concat(list.usual, list.more), ",")))
		}
		*list.into = chosen
	}
	c.RekeyThreshold = rekeyLimit(h)
	return c, nil
}

// choose reads a list of algorithms as ssh_config(5) does for Ciphers: a list
// in order, or with +, - or ^ a change to the usual one. Names that are not
// known are passed over.
func choose(value string, usual, more []string) []string {
	known := slices.Concat(usual, more)
	change, list := byte(0), value
	if value != "" && strings.ContainsRune("+-^", rune(value[0])) {
		change, list = value[0], value[1:]
	}
	if change == '-' {
		return slices.DeleteFunc(slices.Clone(usual), func(name string) bool { return matchesAny(name, list) })
	}
	var named []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); slices.Contains(known, name) && !slices.Contains(named, name) {
			named = append(named, name)
		}
	}
	others := slices.DeleteFunc(slices.Clone(usual), func(name string) bool { return slices.Contains(named, name) })
	switch change {
	case '+':
		return append(others, named...)
	case '^':
		return append(named, others...)
	}
	return named
}

func matchesAny(name, patterns string) bool {
	for p := range strings.SplitSeq(patterns, ",") {
		if ok, err := path.Match(strings.TrimSpace(p), name); ok && err == nil {
			return true
		}
	}
	return false
}

// ciphersFor puts AES-GCM first where the processor has AES, and
// ChaCha20-Poly1305 where it has not.
func ciphersFor(usual []string, aes bool) []string {
	if aes {
		return usual // x/crypto's own order
	}
	return choose("^"+ssh.CipherChaCha20Poly1305, usual, nil)
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

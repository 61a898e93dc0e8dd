package cli

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/config"
)

// sshVersion is what -V says: the release whose ways these are, which is what
// scripts and editors look for, and then who we are.
func sshVersion() string {
	return fmt.Sprintf("%s, Sallyport %s, golang.org/x/crypto/ssh, %s", config.Release(), Version, runtime.Version())
}

// queries are what -Q answers: only what works here, since other programs
// build their configurations from it.
var queries = map[string]func() []string{
	"cipher":           ciphers,
	"cipher-auth":      func() []string { return slices.DeleteFunc(ciphers(), withoutTag) },
	"mac":              func() []string { return supported(func(a ssh.Algorithms) []string { return a.MACs }) },
	"kex":              func() []string { return supported(func(a ssh.Algorithms) []string { return a.KeyExchanges }) },
	"key":              keyTypes,
	"key-cert":         func() []string { return slices.DeleteFunc(keyTypes(), isPlain) },
	"key-plain":        func() []string { return slices.DeleteFunc(keyTypes(), isCertificate) },
	"key-sig":          signatures,
	"sig":              func() []string { return slices.DeleteFunc(signatures(), isCertificate) },
	"protocol-version": func() []string { return []string{"2"} },
	"compression":      func() []string { return []string{"none"} },
}

// queryNames are the options of ssh_config whose names -Q takes, in lower
// case.
var queryNames = map[string]string{
	"ciphers":                     "cipher",
	"macs":                        "mac",
	"kexalgorithms":               "kex",
	"casignaturealgorithms":       "sig", // no certificates: CAs do not form chains
	"hostkeyalgorithms":           "key-sig",
	"hostbasedacceptedalgorithms": "key-sig",
	"hostbasedacceptedkeytypes":   "key-sig",
	"hostbasedkeytypes":           "key-sig",
	"pubkeyacceptedalgorithms":    "key-sig",
	"pubkeyacceptedkeytypes":      "key-sig",
}

// query is the end of a command line by -Q.
func query(what string) error {
	if what == "help" {
		return &sshExit{stdout: strings.Join(slices.Sorted(maps.Keys(queries)), "\n") + "\n"}
	}
	list, known := queries[what]
	if !known {
		list, known = queries[queryNames[strings.ToLower(what)]]
	}
	if !known {
		return fatal("Unsupported query \"%s\"", api.Printable(what))
	}
	return &sshExit{stdout: strings.Join(list(), "\n") + "\n"}
}

// supported is what x/crypto/ssh knows, those that need the configuration's
// word last.
func supported(of func(ssh.Algorithms) []string) []string {
	return slices.Concat(of(ssh.SupportedAlgorithms()), of(ssh.InsecureAlgorithms()))
}

func ciphers() []string {
	return supported(func(a ssh.Algorithms) []string { return a.Ciphers })
}

// withoutTag tells the ciphers that need a MAC.
func withoutTag(cipher string) bool {
	return !strings.Contains(cipher, "gcm") && !strings.Contains(cipher, "poly1305")
}

const certificateSuffix = "-cert-v01@openssh.com"

func isCertificate(name string) bool { return strings.HasSuffix(name, certificateSuffix) }

func isPlain(name string) bool { return !isCertificate(name) }

// signatures are the algorithms of keys, those of hosts and of persons.
func signatures() []string {
	names := supported(func(a ssh.Algorithms) []string { return slices.Concat(a.HostKeys, a.PublicKeyAuths) })
	slices.Sort(names)
	return slices.Compact(names)
}

// keyTypes are the types of keys: RSA has one for several signatures.
func keyTypes() []string {
	return slices.DeleteFunc(signatures(), func(name string) bool { return strings.HasPrefix(name, "rsa-sha2-") })
}

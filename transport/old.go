package transport

import (
	"fmt"
	"slices"
	"strconv"
)

// openSSHVersion is in the version line of a server of OpenSSH.
var openSSHVersion = pattern(`OpenSSH_(\d+)\.(\d+)`)

// onlySHA1 tells whether a server is older than signatures of RSA keys by
// SHA-2 (RFC 8332), which OpenSSH 7.2 began with.
func onlySHA1(version string) bool {
	m := openSSHVersion().FindStringSubmatch(version)
	if m == nil {
		return false
	}
	major, majorErr := strconv.Atoi(m[1])
	minor, minorErr := strconv.Atoi(m[2])
	return majorErr == nil && minorErr == nil && (major < 7 || major == 7 && minor < 2)
}

// forItsAge says of a refused login what else a server of that age may want.
func (c dialCall) forItsAge(f *Failure, w *wire) *Failure {
	version, _ := w.greeting()
	if f.Code != CodeAuth || !onlySHA1(version) || slices.Contains(list(c.host(), "PubkeyAcceptedAlgorithms"), "ssh-rsa") {
		return f
	}
	aged := *f
	aged.Message += fmt.Sprintf("; this server (%s) knows RSA keys by SHA-1 only", version)
	aged.Hint = c.allow("PubkeyAcceptedAlgorithms", "ssh-rsa")
	return &aged
}

package transport

import (
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// orderHostKeyAlgorithms puts those algorithms first whose keys are known for
// the host, so that a server with several keys shows one that can be checked:
// order_hostkeyalgs (sshconnect2.c). What x/crypto/ssh can't verify is left
// out.
func orderHostKeyAlgorithms(wanted []string, known knownHosts) []string {
	supported := append(ssh.SupportedAlgorithms().HostKeys, ssh.InsecureAlgorithms().HostKeys...)
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(a string) bool { return !slices.Contains(supported, a) })
	plain := known.marked("")
	if len(wanted) == 0 || plain.has(hostKeyType(wanted[0])) {
		return wanted
	}
	certified := len(known.marked(markerAuthority)) > 0
	var first, last []string
	for _, a := range wanted {
		if certified && isCertAlgorithm(a) || plain.has(hostKeyType(a)) {
			first = append(first, a)
		} else {
			last = append(last, a)
		}
	}
	return append(first, last...)
}

const certSuffix = "-cert-v01@openssh.com"

func isCertAlgorithm(algorithm string) bool { return strings.HasSuffix(algorithm, certSuffix) }

// hostKeyType is the plain key type that an algorithm signs with.
func hostKeyType(algorithm string) string {
	switch algorithm = strings.TrimSuffix(algorithm, certSuffix); algorithm {
	case ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512:
		return ssh.KeyAlgoRSA
	}
	return algorithm
}

package transport

import (
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// order decides in which order the server is asked for its keys.
func (k *hostKeys) order() error {
	k.algs = verifiable(list(k.host, "HostKeyAlgorithms"))
	if k.host.HostKeyOrderFixed() {
		return nil
	}
	// Without the port: ssh_kex2 passes the name so.
	said, err := k.command(invokedForOrder, knownName(k.host.HostName(), 0), nil)
	if err != nil {
		return err
	}
	k.algs = orderHostKeyAlgorithms(k.algs, append(slices.Clone(k.known), said...))
	k.told.say(3, "order_hostkeyalgs: prefer hostkeyalgs: %s", strings.Join(k.algs, ","))
	return nil
}

// verifiable leaves out what x/crypto/ssh can't verify.
func verifiable(algorithms []string) []string {
	supported := append(ssh.SupportedAlgorithms().HostKeys, ssh.InsecureAlgorithms().HostKeys...)
	return slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return !slices.Contains(supported, a) })
}

// orderHostKeyAlgorithms puts those algorithms first whose keys are known for
// the host, so that a server with several keys shows one that can be checked:
// order_hostkeyalgs (sshconnect2.c).
func orderHostKeyAlgorithms(wanted []string, known knownHosts) []string {
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

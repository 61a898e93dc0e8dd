package config

import (
	"fmt"
	"slices"
	"strings"
)

// weak are algorithms that OpenSSH still has and no longer offers by itself:
// SHA-1 signatures and key exchange, DSA, CBC, and MACs of MD5 or cut to 96
// bits (release notes of 6.7, 7.0, 8.2, 8.8).
var weak = names("ssh-dss,ssh-dss-cert-v01@openssh.com,ssh-rsa,ssh-rsa-cert-v01@openssh.com," +
	"3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc," +
	"hmac-md5,hmac-md5-96,hmac-md5-etm@openssh.com,hmac-md5-96-etm@openssh.com," +
	"hmac-sha1-96,hmac-sha1-96-etm@openssh.com," +
	"diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1")

// checkAlgorithms looks for weak algorithms that a line forces on.
func (k *checker) checkAlgorithms() {
	k.users(func(at place, d *directive) {
		kind := k.dialect.list(d.key)
		if kind == nil {
			return
		}
		said := k.said(at)
		if len(said) == 0 {
			return
		}
		on := weakOf(said[0].text, kind)
		if len(on) == 0 {
			return
		}
		f, isNew := k.findAt(weakAlgorithm, at)
		if !isNew {
			return
		}
		f.Message = fmt.Sprintf("%s forces on %s", keywords[d.key].name, strings.Join(on, ", "))
		f.Fix = fmt.Sprintf("Take it out; if one old server knows nothing else, write \"%s +%s\" in its own Host block only.", keywords[d.key].name, strings.Join(on, ","))
		if len(at.names()) == 1 {
			f.Fix = "Take it out as soon as the server knows something newer."
		}
	})
}

// weakOf are the weak algorithms that a list brings in. What -list takes away
// is no matter, and neither is what is on by itself.
func weakOf(list string, kind *algorithms) (on []string) {
	if strings.HasPrefix(list, "-") {
		return nil
	}
	for pattern := range strings.SplitSeq(strings.TrimLeft(list, "+^"), ",") {
		for _, name := range weak {
			if matchPattern(name, pattern) && slices.Contains(kind.all, name) && !slices.Contains(kind.defaults, name) && !slices.Contains(on, name) {
				on = append(on, name)
			}
		}
	}
	return on
}

package config

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"sallyport/internal/nss"
)

// canonicalize finds the name to dial as main of ssh.c does after the first
// reading, and reads the files again where a Match final or a canonical name
// asks for it.
func (r *resolution) canonicalize() {
	host := r.expandHostName()
	address := isAddress(host)
	if !address {
		host = lower(host)
	}
	before := host
	mode := r.text(kCanonicalizeHostname)
	wanted := mode != "" && mode != "false"
	if address {
		if usual := canonicalAddress(host, r.orDefault(kAddressFamily)); !equalFold(host, usual) {
			host = usual
		}
	} else if wanted {
		host = r.canonicalName(host)
	}
	if !address && host == before {
		host = r.alias(host)
	}
	r.host = host
	if wanted || r.final {
		r.keepHostName(host)
		r.last = true
		r.walkAll()
	}
}

// decided are the options that have their defaults before the second reading,
// which cannot set them any more (fill_default_options_for_canonicalization,
// readconf.c).
var decided = []key{kCanonicalizeHostname, kCanonicalizeMaxDots, kCanonicalizeFallbackLocal}

// keepHostName makes the name found the HostName of the second pass, which no
// line changes any more.
func (r *resolution) keepHostName(host string) {
	if len(r.set[kHostName]) > 0 {
		r.set[kHostName][0].text = host
		return
	}
	r.set[kHostName] = []value{{key: kHostName, text: host, implied: true}}
}

// expandHostName is HostName with its token expanded, or the name asked for.
func (r *resolution) expandHostName() string {
	if len(r.set[kHostName]) == 0 {
		return r.name
	}
	v := r.set[kHostName][0]
	host, err := expand(v.text, hostTokens(r.name), nil)
	if err != nil {
		r.failAt(v.at.origin(), "percent_expand: "+err.Error())
		return v.text
	}
	return host
}

// looksNumeric is is_addr_fast of ssh.c.
func looksNumeric(host string) bool {
	return strings.ContainsAny(host, "%:") || strings.Trim(host, "0123456789.") == ""
}

// isAddress tells whether a name can only be an address.
func isAddress(host string) bool {
	if looksNumeric(host) {
		return true
	}
	_, ok := parseInet(host)
	return ok
}

// canonicalAddress is the usual form of an address of the family. What only
// looks like one stays as it is.
func canonicalAddress(host, family string) string {
	if addr, ok := parseInet(host); ok {
		if family == "inet6" {
			return host
		}
		return addr.String()
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || family == "inet" || !addr.Is6() {
		return host
	}
	zone := addr.Zone()
	if zone == "" {
		return formatIPv6(addr)
	}
	name, ok := interfaceName(zone, addr)
	if !ok {
		return host
	}
	return formatIPv6(addr.WithZone("")) + "%" + name
}

// formatIPv6 is inet_ntop(3): the IPv4 part of mapped and compatible addresses
// is written with dots.
func formatIPv6(addr netip.Addr) string {
	b := addr.As16()
	compatible := true
	for _, c := range b[:12] {
		compatible = compatible && c == 0
	}
	if compatible && (b[12] != 0 || b[13] != 0) {
		return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
	}
	return addr.String()
}

// interfaceName is the interface of a zone, which only local addresses have.
func interfaceName(zone string, addr netip.Addr) (string, bool) {
	if !addr.IsLinkLocalUnicast() && !addr.IsLinkLocalMulticast() && !addr.IsInterfaceLocalMulticast() {
		_, err := strconv.ParseUint(zone, 10, 32)
		return zone, err == nil
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return i.Name, true
	}
	index, err := strconv.Atoi(zone)
	if err != nil {
		return "", false
	}
	if i, err := net.InterfaceByIndex(index); err == nil {
		return i.Name, true
	}
	return zone, true
}

// parseInet is inet_aton(3): one to four numbers, decimal, octal or
// hexadecimal, the last of which fills what is left.
func parseInet(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 0, 32)
		if err != nil || strings.ContainsAny(part, "_oO") || strings.HasPrefix(lower(part), "0b") {
			return netip.Addr{}, false
		}
		limit := uint64(0xff)
		shift := 8 * (3 - i)
		if i == len(parts)-1 {
			limit, shift = 1<<(8*(4-i))-1, 0
		}
		if n > limit {
			return netip.Addr{}, false
		}
		sum |= n << shift
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// canonicalName tries the CanonicalDomains, as resolve_canonicalize of ssh.c.
// Without leave to ask the network the name stays, and that is noted.
func (r *resolution) canonicalName(host string) string {
	o := r.set[kCanonicalizeHostname][0].at.origin()
	if r.proxied() && r.text(kCanonicalizeHostname) != "always" {
		return host
	}
	if !r.match.Execute {
		r.condition(Problem{Origin: o, Message: "the name is looked up when the host is opened (CanonicalizeHostname)"})
		return host
	}
	if strings.HasSuffix(host, ".") {
		if r.exists(host) {
			return r.followCNAME(strings.TrimSuffix(host, "."), host)
		}
		return r.fallBack(host, o)
	}
	dots, _ := strconv.Atoi(r.orDefault(kCanonicalizeMaxDots)) // a number by its reader
	if strings.Count(host, ".") > dots {
		return host
	}
	for _, domain := range r.set[kCanonicalDomains] {
		if domain.text == "none" {
			break
		}
		full := host + "." + domain.text + "."
		if r.exists(full) {
			return r.followCNAME(strings.TrimSuffix(full, "."), full)
		}
	}
	return r.fallBack(host, o)
}

// fallBack is the name as it was, if it may be.
func (r *resolution) fallBack(host string, o Origin) string {
	if r.text(kCanonicalizeFallbackLocal) == "no" {
		r.failAt(o, fmt.Sprintf("Could not resolve host \"%s\"", Printable(host)))
	}
	return host
}

// alias follows CanonicalizePermittedCNAMEs where the name was not found in
// any domain: ssh then asks for the bare name, and gives up if that is unknown
// and it would have to dial it itself.
func (r *resolution) alias(host string) string {
	rules := r.set[kCanonicalizePermittedCNAMEs]
	if len(rules) == 0 || noCNAMEs(rules) || r.proxied() && r.text(kCanonicalizeHostname) != "always" {
		return host
	}
	o := rules[0].at.origin()
	if !r.match.Execute {
		r.condition(Problem{Origin: o, Message: "aliases of the name are looked up when the host is opened (CanonicalizePermittedCNAMEs)"})
		return host
	}
	if !r.exists(host) {
		if !r.proxied() {
			r.failAt(o, fmt.Sprintf("Could not resolve hostname %s", Printable(host)))
		}
		return host
	}
	if mode := r.text(kCanonicalizeHostname); mode == "" || mode == "false" {
		return host
	}
	return r.followCNAME(host, host)
}

// noCNAMEs tells "none", which stands alone.
func noCNAMEs(rules []value) bool { return len(rules) == 1 && equalFold(rules[0].text, "none:") }

// proxied tells whether a proxy will look the name up. For resolve_canonicalize
// of ssh.c, "none" is one as a ProxyJump, but not as a ProxyCommand.
func (r *resolution) proxied() bool {
	command := r.text(kProxyCommand)
	return len(r.set[kProxyJump]) > 0 || command != "" && !equalFold(command, "none")
}

func (r *resolution) exists(name string) bool {
	network := map[string]string{"inet": "ip4", "inet6": "ip6"}[r.text(kAddressFamily)]
	if network == "" {
		network = "ip"
	}
	addrs, err := nss.LookupNetIP(context.Background(), network, name)
	return err == nil && len(addrs) > 0
}

// followCNAME is check_follow_cname of ssh.c: an alias is followed if a rule of
// CanonicalizePermittedCNAMEs has both names.
func (r *resolution) followCNAME(host, lookup string) string {
	rules := r.set[kCanonicalizePermittedCNAMEs]
	if len(rules) == 0 {
		return host
	}
	cname, why := parseDomain(endOfAliases(lookup))
	if why != "" || cname == host {
		return host
	}
	for _, rule := range rules {
		sources, targets, _ := strings.Cut(rule.text, ":")
		if matchList(host, sources, true) && matchList(cname, targets, true) {
			return cname
		}
	}
	return host
}

// mostAliases bounds a chain of CNAMEs, which may go round in a circle.
const mostAliases = 16

// endOfAliases is the name to which a chain of CNAMEs leads, the name itself
// where there is none. LookupCNAME gives the next of the chain only.
func endOfAliases(name string) string {
	for range mostAliases {
		next, err := nss.LookupCNAME(context.Background(), name)
		if err != nil || equalFold(next, name) {
			break
		}
		name = next
	}
	return name
}

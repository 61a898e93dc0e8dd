package nss

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// nameLimit is more than glibc takes to give up on three name servers, each
// asked twice in four domains.
const nameLimit = 2 * time.Minute

// LookupNetIP is that of package net: the addresses of a host in the order in
// which ssh tries them. network is "ip", "ip4" or "ip6". It fails with a
// *net.DNSError, which is a *net.AddrError too where addresses of the other
// family are known.
func LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error) {
	if leftToLibc(name) {
		found, err := ask(ctx, name)
		if err == nil {
			return found.family(network)
		}
		if !errors.Is(err, exec.ErrNotFound) {
			return nil, why(ctx, name, err)
		}
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, name)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, err
}

// LookupCNAME is that of package net: what a host is called in the end, with a
// dot after it.
func LookupCNAME(ctx context.Context, name string) (string, error) {
	if leftToLibc(name) {
		found, err := ask(ctx, name)
		if err == nil {
			return strings.TrimSuffix(found.canonical, ".") + ".", nil
		}
		if !errors.Is(err, exec.ErrNotFound) {
			return "", why(ctx, name, err)
		}
	}
	return net.DefaultResolver.LookupCNAME(ctx, name)
}

// host is what getaddrinfo(3) knows of one.
type host struct {
	name      string // as asked for
	canonical string
	addrs     []netip.Addr // in their order, one at least
}

// ask has getent call getaddrinfo(3) as ssh does (resolve_host of ssh.c): with
// neither AI_ADDRCONFIG (-A) nor AI_IDN (-i).
func ask(ctx context.Context, name string) (host, error) {
	text, err := getent(ctx, nameLimit, "-i", "-A", "--", "ahosts", name)
	if hasStatus(err, statusUsage) { // before glibc 2.36: addresses of a family that this machine has none of are missing
		text, err = getent(ctx, nameLimit, "-i", "--", "ahosts", name)
	}
	if err != nil {
		return host{}, err
	}
	return parseHost(name, text)
}

// parseHost reads lines of an address, a kind of socket and, on the first of
// them, the canonical name. Each address has a line for each kind.
func parseHost(name, text string) (host, error) {
	h := host{name: name, canonical: name}
	for i, line := range slices.Collect(strings.Lines(text)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		if i == 0 && len(words) > 2 {
			h.canonical = words[2]
		}
		if addr, err := netip.ParseAddr(words[0]); err == nil && words[1] == "STREAM" {
			h.addrs = append(h.addrs, addr.Unmap())
		}
	}
	if len(h.addrs) == 0 {
		return host{}, errUnknown
	}
	return h, nil
}

// family are the addresses of a network.
func (h host) family(network string) ([]netip.Addr, error) {
	addrs := slices.DeleteFunc(h.addrs, func(a netip.Addr) bool {
		return network == "ip4" && !a.Is4() || network == "ip6" && !a.Is6()
	})
	if len(addrs) == 0 {
		// What is not found for glibc has addresses of the other family here.
		family := &net.AddrError{Err: "no suitable address found", Addr: h.name}
		return nil, &net.DNSError{Err: "no such host", UnwrapErr: family, Name: h.name, IsNotFound: true}
	}
	return addrs, nil
}

// reasonLimit is for name servers that have just been asked the same.
const reasonLimit = 2 * time.Second

// why words a failure as package net does. getent has one status for a host
// that there is none of and for name servers that do not answer: they are asked
// once more, for that difference alone.
func why(ctx context.Context, name string, err error) error {
	if !errors.Is(err, errUnknown) {
		return &net.DNSError{Err: err.Error(), UnwrapErr: err, Name: name, IsTimeout: errors.Is(err, context.DeadlineExceeded)}
	}
	if here().asksNameServers() {
		ctx, cancel := context.WithTimeout(ctx, reasonLimit)
		defer cancel()
		_, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		if told := new(net.DNSError); errors.As(err, &told) && !told.IsNotFound {
			return told
		}
	}
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

package transport

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

// sshfpAlgorithms are the numbers of RFC 4255 section 3.1.1, RFC 6594 section
// 5 and RFC 7479 section 2, by the type of the key.
var sshfpAlgorithms = map[string]uint8{
	ssh.KeyAlgoRSA:         1,
	ssh.InsecureKeyAlgoDSA: 2,
	ssh.KeyAlgoECDSA256:    3,
	ssh.KeyAlgoECDSA384:    3,
	ssh.KeyAlgoECDSA521:    3,
	ssh.KeyAlgoED25519:     4,
}

// verifyByDNS is VerifyHostKeyDNS: sure that the key is right where a signed
// record says so and the value is yes; else note is for the person who is
// asked (verify_host_key, sshconnect.c).
func (k *hostKeys) verifyByDNS(key ssh.PublicKey) (sure bool, note []string) {
	mode := strings.ToLower(k.host.Get("VerifyHostKeyDNS"))
	if mode != "ask" && !yes(k.host, "VerifyHostKeyDNS") {
		return false, nil
	}
	nothing := []string{"No matching host key fingerprint found in DNS."}
	name := k.host.HostName()
	if _, err := netip.ParseAddr(name); err == nil {
		k.told.say(1, "skipped DNS lookup for numerical hostname")
		return false, nothing
	}
	servers, err := k.dns()
	if err != nil {
		k.told.say(1, "DNS lookup error: %v", err)
		return false, nothing
	}
	records, secure, err := servers.fingerprints(k.ctx, name)
	if err != nil {
		k.told.say(1, "DNS lookup error: %v", err)
		return false, nothing
	}
	matching := sshfpMatches(records, key)
	k.told.say(1, "found %d %s fingerprints in DNS", len(records), map[bool]string{true: "secure", false: "insecure"}[secure])
	switch {
	case matching && secure:
		k.told.say(1, "matching host key fingerprint found in DNS")
		return mode != "ask", []string{"Matching host key fingerprint found in DNS."}
	case matching:
		return false, []string{"Matching host key fingerprint found in DNS, but the answer is not secure: it is not verified by DNSSEC."}
	case len(records) > 0:
		k.notice("The %s host key of '%s', %s, is not the one that its SSHFP records in DNS name. Update the SSHFP RR in DNS with the new host key to get rid of this message.",
			keys.TypeName(key), k.name, k.digest.Fingerprint(key))
	}
	return false, nothing
}

// sshfpMatches tells whether records name the key and none of them, for the
// same algorithm and hash, names another. A hash that is not known spoils them
// all (verify_host_key_dns, dns.c).
func sshfpMatches(records []*dns.SSHFP, key ssh.PublicKey) bool {
	blob := key.Marshal()
	short, long := sha1.Sum(blob), sha256.Sum256(blob)
	hashes := map[uint8]string{1: hex.EncodeToString(short[:]), 2: hex.EncodeToString(long[:])}
	matches := false
	for _, r := range records {
		hash, known := hashes[r.Type]
		if !known {
			return false
		}
		if r.Algorithm != sshfpAlgorithms[key.Type()] || len(r.FingerPrint) != len(hash) {
			continue
		}
		if !strings.EqualFold(r.FingerPrint, hash) {
			return false
		}
		matches = true
	}
	return matches
}

// resolver is whom to ask for records that net doesn't know of.
type resolver struct {
	servers  []string // host:port
	timeout  time.Duration
	attempts int
	trusted  bool // what the servers say of DNSSEC counts: "options trust-ad", resolv.conf(5)
}

const resolvConf = "/etc/resolv.conf"

func systemResolver() (resolver, error) { return readResolver(resolvConf) }

// readResolver reads resolv.conf(5).
func readResolver(file string) (resolver, error) {
	c, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return resolver{}, err
	}
	if len(c.Servers) == 0 {
		c.Servers = []string{"127.0.0.1"}
	}
	r := resolver{timeout: time.Duration(c.Timeout) * time.Second, attempts: c.Attempts}
	for _, server := range c.Servers {
		r.servers = append(r.servers, net.JoinHostPort(server, c.Port))
	}
	r.trusted, err = trustsServers(file)
	return r, err
}

func trustsServers(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) > 0 && words[0] == "options" && slices.Contains(words[1:], "trust-ad") {
			return true, nil
		}
	}
	return false, nil
}

// fingerprints asks for the SSHFP records of a name. secure tells that the
// answer was verified, and that the word of the server counts.
func (r resolver) fingerprints(ctx context.Context, name string) (records []*dns.SSHFP, secure bool, err error) {
	if _, valid := dns.IsDomainName(name); !valid {
		return nil, false, fmt.Errorf("%q is no name for the DNS", name)
	}
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeSSHFP)
	question.AuthenticatedData = r.trusted // RFC 6840 section 5.7: understood without asking for signatures
	question.SetEdns0(dns.DefaultMsgSize, false)
	reply, err := r.exchange(ctx, question)
	if err != nil {
		return nil, false, err
	}
	for _, rr := range reply.Answer {
		if sshfp, ok := rr.(*dns.SSHFP); ok {
			records = append(records, sshfp)
		}
	}
	return records, r.trusted && reply.AuthenticatedData, nil
}

// exchange asks the servers one after the other until one of them knows.
func (r resolver) exchange(ctx context.Context, question *dns.Msg) (*dns.Msg, error) {
	err := errors.New("there is no name server")
	for range r.attempts {
		for _, server := range r.servers {
			var reply *dns.Msg
			reply, err = r.ask(ctx, "udp", server, question)
			if err == nil && reply.Truncated {
				reply, err = r.ask(ctx, "tcp", server, question)
			}
			if err == nil {
				return reply, nil
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	return nil, err
}

// ask makes one round trip, which ctx ends.
func (r resolver) ask(ctx context.Context, network, server string, question *dns.Msg) (*dns.Msg, error) {
	client := &dns.Client{Net: network, Timeout: r.timeout}
	conn, err := client.DialContext(ctx, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	reply, _, err := client.ExchangeWithConnContext(ctx, question, conn)
	if err != nil {
		return nil, err
	}
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("the name server %s answers %s", server, dns.RcodeToString[reply.Rcode])
	}
	return reply, nil
}

package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTheDialectIsReadOffTheProgram(t *testing.T) {
	pad := func(n int) string { return strings.Repeat("\x00", n) }
	for _, row := range []struct {
		name, program string
		release       string
		debian        bool
	}{
		{"a program of upstream", pad(1000) + "OpenSSH_9.4p1\x00" + pad(1000), "OpenSSH_9.4p1", false},
		{"a program of Debian", pad(10) + "OpenSSH_9.2p1 Debian-2+deb12u3\x00", "OpenSSH_9.2p1 Debian-2+deb12u3", true},
		{"the banner ends the program", pad(10) + "OpenSSH_9.9p2", "OpenSSH_9.9p2", false},
		{"the banner lies across two parts", pad(partSize-12) + "OpenSSH_9.6p1 Ubuntu-3\x00" + pad(1000), "OpenSSH_9.6p1 Ubuntu-3", true},
		{"the banner begins in the last bytes of a part", pad(partSize-1) + "OpenSSH_9.6p1\x00" + pad(100<<10), "OpenSSH_9.6p1", false},
		{"the banner lies far in", pad(900<<10) + "OpenSSH_9.3p1\x00" + pad(100<<10), "OpenSSH_9.3p1", false},
		{"the version stands alone in front of it", pad(10) + "OpenSSH_10.6p1\x00" + pad(100<<10) + "OpenSSH_10.6p1 Debian-gssapi-1\x00" + pad(1000), "OpenSSH_10.6p1 Debian-gssapi-1", true},
		{"a banner without a patch level", pad(10) + "OpenSSH_10.0 Debian-7\x00", "OpenSSH_10.0 Debian-7", true},
		{"patterns of older releases come first", pad(10) + "OpenSSH_6.6.1*\x00OpenSSH_2.*,OpenSSH_3.0*\x00OpenSSH_10.5p1\x00" + pad(1000), "OpenSSH_10.5p1", false},
		{"something else of that name", pad(10) + "OpenSSH_for_Windows\x00" + pad(100), newDialect(newest, false).release, false},
		{"a program without one", pad(200 << 10), newDialect(newest, false).release, false},
		{"an empty program", "", newDialect(newest, false).release, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := dialectOf(iotest.HalfReader(strings.NewReader(row.program)))
			if got.release != row.release || got.debian != row.debian {
				t.Errorf("the dialect is %s, Debian's %v; want %s, %v", got.release, got.debian, row.release, row.debian)
			}
		})
	}
}

// Releases that are not installed here, by what readconf.c of 10.1-dev
// (1.405), release notes and what others' ssh -G printed say of them.
func TestOtherReleases(t *testing.T) {
	for _, row := range []struct {
		name    string
		version version
		text    string
		match   Match
		want    string // lines of ssh -G that begin with a keyword of the text or with want's
		refused string
	}{
		{name: "WarnWeakCrypto by default", version: v10_1, want: "warnweakcrypto yes"},
		{name: "WarnWeakCrypto of one kind", version: v10_1, text: "WarnWeakCrypto no-pq-kex\n", want: "warnweakcrypto no"},
		{name: "WarnWeakCrypto of another kind is refused", version: v10_1, text: "WarnWeakCrypto pq-only\n", refused: `unsupported option "pq-only".`},
		{name: "WarnWeakCrypto is not known", version: v10_0, text: "WarnWeakCrypto yes\n", refused: "Bad configuration option: warnweakcrypto"},
		{name: "IPQoS by default", version: v10_1, want: "ipqos ef cs0"},
		{name: "RefuseConnection refuses", version: v10_1, text: "Host w*\n  RefuseConnection \"use the new cluster\"\n", refused: "RefuseConnection: use the new cluster"},
		{name: "RefuseConnection for others lets this host pass", version: v10_1, text: "Host other\n  RefuseConnection no\n  Port 23\n", want: "port 22"},
		{name: "RefuseConnection of the command line", version: v10_1, match: Match{Options: []string{"RefuseConnection=no"}}, refused: "RefuseConnection: no"},
		{name: "RefuseConnection is not known", version: v10_0, text: "RefuseConnection no\n", refused: "Bad configuration option: refuseconnection"},
		{name: "Match version sees the patch level", version: v10_1, text: "Match version OpenSSH_10.1p1\n  Port 23\n", want: "port 23"},
		{name: "Match version sees no less", version: v10_1, text: "Match version OpenSSH_10.1\n  Port 23\n", want: "port 22"},
		{name: "Match !final asks for a second reading", version: v10_0, text: "Match canonical\n  Port 23\nMatch !final\n  Port 24\n", want: "port 24"},
		{name: "in which Match canonical holds", version: v10_0, text: "Match canonical\n  Port 23\nMatch !final\n  User bob\n", want: "port 23"},
		{name: "Match !final asks for none any more", version: v10_1, text: "Match canonical\n  Port 23\nMatch !final\n  User bob\n", want: "port 22"},
		{name: "RevokedHostKeys prints nothing by default", version: v10_1, want: "revokedhostkeys"},
		{name: "RevokedHostKeys by default", version: v10_3, want: "revokedhostkeys none"},
		{name: "RevokedHostKeys none", version: v10_3, text: "RevokedHostKeys none\nRevokedHostKeys /a\n", want: "revokedhostkeys none"},
		{name: "two RevokedHostKeys", version: v10_3, text: "RevokedHostKeys /%n \"/b c\"\n", want: "revokedhostkeys /web /b c"},
		{name: "two RevokedHostKeys are refused", version: v10_1, text: "RevokedHostKeys /a /b\n", refused: "keyword revokedhostkeys extra arguments at end of line"},
		{name: "a user of a domain", version: v10_4, match: Match{User: `CORP\alice`}, want: `user CORP\alice`},
		{name: "a user of a domain is refused", version: v10_6, match: Match{User: `CORP\alice`}, refused: "remote username contains invalid characters"},
		{name: "a user of a domain on a line", version: v10_6, text: "User CORP\\alice\n", want: `user CORP\alice`},
		{name: "a user with a dollar sign is refused", version: v10_6, match: Match{Options: []string{"User=svc$"}}, refused: "remote username contains invalid characters"},
		{name: "a user with a dollar sign on the way is refused", version: v10_6, match: Match{Jump: "svc$@gate"}, refused: "Invalid -J argument"},
		{name: "tokens in the User of -o", version: v10_0, match: Match{Options: []string{"User=%n-%h"}}, want: "user web-web"},
		{name: "tokens in the User of -o that depend on it", version: v10_0, match: Match{Options: []string{"User=%r"}}, refused: "User: unknown key %r"},
		{name: "no tokens in the user of -l", version: v10_0, match: Match{User: "%n"}, want: "user %n"},
		{name: "TCPKeepAlive by default", version: v10_6, want: "tcpkeepalive true"},
		{name: "TCPKeepAlive for forwards", version: v10_6, text: "TCPKeepAlive All\n", want: "tcpkeepalive all"},
		{name: "TCPKeepAlive for forwards is refused", version: v10_3, text: "TCPKeepAlive all\n", refused: `unsupported option "all".`},
		{name: "a part of a second is left out", version: v10_3, text: "ConnectTimeout 1m30.5\n", want: "connecttimeout 90"},
		{name: "a part of a second is refused", version: v10_1, text: "ConnectTimeout 1.5\n", refused: "invalid time value."},
		{name: "a channel's timeout with a part of a second", version: v10_6, text: "ChannelTimeout x=.5\n", want: "channeltimeout x=.5"},
		{name: "ProxyJump with a space", version: v10_1, text: "ProxyJump a, b\n", want: "proxyjump a, b"},
		{name: "StreamLocalBindMask of another host does not count", version: v10_6, text: "Host x\n  StreamLocalBindMask 0100\n", want: "streamlocalbindmask 0177"},
		{name: "a cipher list with an empty name in front", version: v10_6, text: "Ciphers +,aes128-cbc\n", refused: "Bad SSH2 cipher spec '+,aes128-cbc'."},
		{name: "the spelling of CanonicalizePermittedCNAMEs", version: v10_6, want: "canonicalizepermittedcnames none"},
		{name: "keys of ML-DSA", version: v10_6, text: "PubkeyAcceptedAlgorithms ssh-mldsa44-ed25519\n", want: "pubkeyacceptedalgorithms ssh-mldsa44-ed25519"},
		{name: "keys of ML-DSA are not known", version: v10_3, text: "PubkeyAcceptedAlgorithms ssh-mldsa44-ed25519\n", refused: "Bad key types 'ssh-mldsa44-ed25519'."},
		{name: "the usual key files", version: v10_4, want: "identityfile ~/.ssh/id_rsa\nidentityfile ~/.ssh/id_ecdsa\nidentityfile ~/.ssh/id_ecdsa_sk\n" +
			"identityfile ~/.ssh/id_ed25519\nidentityfile ~/.ssh/id_ed25519_sk\nidentityfile ~/.ssh/id_mldsa44_ed25519"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := write(t, map[string]string{"config": row.text}) + "/config"
			paths, err := File(path)
			if err != nil {
				t.Fatal(err)
			}
			h, err := load(paths, newDialect(row.version, false)).Resolve("web", row.match)
			if refused := errorMessage(err); refused != row.refused {
				t.Fatalf("it is refused with %q, want %q", refused, row.refused)
			}
			if row.refused != "" {
				return
			}
			keyword, value, _ := strings.Cut(row.want, " ")
			var lines []string
			for _, line := range h.Lines() {
				if strings.HasPrefix(line, keyword+" ") {
					lines = append(lines, line)
				}
			}
			if got := strings.Join(lines, "\n"); got != row.want && (value != "" || got != "") {
				t.Errorf("it says\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

// errorMessage is the message of a Problem.
func errorMessage(err error) string {
	var p Problem
	if errors.As(err, &p) {
		return p.Message
	}
	return ""
}

// TestABuildWithoutGSSAPI is Debian's usual one since 10.3.
func TestABuildWithoutGSSAPI(t *testing.T) {
	text := "GSSAPIAuthentication yes\nPort 23\n"
	paths, err := File(write(t, map[string]string{"config": text}) + "/config")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		release, want string
		warned        bool
	}{
		{"OpenSSH_10.6p1 Debian-1", "", true},
		{"OpenSSH_10.6p1 Debian-gssapi-1", "gssapiauthentication yes", false},
		{"OpenSSH_10.0p2 Debian-7", "gssapiauthentication yes", false},
	} {
		c := load(paths, dialectOf(strings.NewReader(row.release)))
		h, err := c.Resolve("web", Match{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, line := range h.Lines() {
			if strings.HasPrefix(line, "gssapi") && !strings.HasSuffix(line, " no") && !strings.Contains(line, ",") {
				got += line
			}
		}
		if got != row.want {
			t.Errorf("%s says %q, want %q", row.release, got, row.want)
		}
		warned := len(c.Problems()) > 0 && strings.Contains(c.Problems()[0].Message, `Unsupported option "gssapiauthentication"`)
		if warned != row.warned {
			t.Errorf("%s warns of %v", row.release, c.Problems())
		}
	}
}

// TestRevokedHostKeysAreAListSince10_3, and stand where lists do.
func TestRevokedHostKeysAreAListSince10_3(t *testing.T) {
	for v, next := range map[version]string{v10_1: "xauthlocation", v10_3: "logverbose"} {
		h, err := load(Paths{}, newDialect(v, false)).Resolve("web", Match{Options: []string{"RevokedHostKeys=/a", "LogVerbose=x:*:1"}})
		if err != nil {
			t.Fatal(err)
		}
		lines := h.Lines()
		i := slices.Index(lines, "revokedhostkeys /a")
		if i < 0 || !strings.HasPrefix(lines[i+1], next) {
			t.Errorf("%d: it stands before %q, want %s", v, lines[i+1], next)
		}
	}
}

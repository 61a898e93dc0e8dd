package config

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// version is a release of OpenSSH as 100*major+minor.
type version int

// Releases that changed what a client's configuration may hold or means.
const (
	v9_2  version = 902
	v9_4  version = 904  // Tag; Match tagged, localnetwork
	v9_5  version = 905  // ObscureKeystrokeTiming
	v9_6  version = 906  // ChannelTimeout; %j
	v9_9  version = 909  // tokens in Include; mlkem768x25519-sha256
	v10_0 version = 1000 // VersionAddendum; Match version, sessiontype, command; tokens in User and SetEnv
	v10_1 version = 1001 // WarnWeakCrypto, RefuseConnection; other IPQoS; Match !final asks for no second pass; no XMSS; spaces in ProxyJump
	v10_3 version = 1003 // ~I, -O conninfo and channels; RevokedHostKeys takes several files; fractions of seconds; Debian's usual build knows no GSSAPI
	v10_4 version = 1004 // ssh-mldsa44-ed25519@openssh.com
	v10_5 version = 1005 // mlkem768nistp256-sha256; -Z
	v10_6 version = 1006 // ssh-mldsa44-ed25519; user names without \ and $; TCPKeepAlive all; ChannelTimeout of parts of a second; StreamLocalBindMask as other options
)

// newest is the release to follow where no ssh is installed.
const newest = v10_6

// dialect is how one build of ssh differs from another: what it knows, and
// what it takes where the configuration is silent.
type dialect struct {
	version  version
	release  string // SSH_RELEASE, which Match version looks at
	debian   bool   // Debian's and Ubuntu's patches
	gssapi   bool   // built with the GSSAPI patch
	kerberos bool   // built with GSSAPI at all
	defaults map[key]string
	// logLevels are the names of LogLevel in lower case, and what is printed.
	logLevels map[string]string

	ciphers, macs, kex, keyTypes, caKeyTypes algorithms
	gssKex                                   []string // prefixes of method names
	shortKeys                                []string // names of key types without a format
	identities                               []string // of IdentityFile, in order
	modernQoS                                bool     // IPQoS takes DSCP only; the TOS names mean "none"
}

// installed is the dialect of the ssh in PATH. It is read off the program's
// own bytes: nothing is run.
var installed = sync.OnceValue(func() *dialect {
	path, err := Program()
	if err != nil {
		return newDialect(newest, false)
	}
	program, err := os.Open(path)
	if err != nil {
		return newDialect(newest, false)
	}
	defer program.Close()
	return dialectOf(program)
})

// Release names the ssh that is followed, such as "OpenSSH_9.2p1 Debian-2": the
// installed one, or the newest that is known here.
func Release() string { return installed().release }

// TellsConnection tells whether the installed ssh has ~I, "-O conninfo" and "-O
// channels".
func TellsConnection() bool { return installed().version >= v10_3 }

// ListsKeys tells whether the installed ssh has -Z.
func ListsKeys() bool { return installed().version >= v10_5 }

func dialectOf(program io.Reader) *dialect {
	release := string(bannerIn(program))
	v, vendor, ok := readBanner(release)
	if !ok {
		return newDialect(newest, false)
	}
	d := newDialect(v, strings.HasPrefix(vendor, " Debian-") || strings.HasPrefix(vendor, " Ubuntu-"))
	d.release = release
	if d.debian && v >= v10_3 && !strings.Contains(vendor, "-gssapi-") { // the package openssh-client-gssapi has it
		d.dropGSSAPI()
	}
	return d
}

// readBanner reads SSH_RELEASE as it stands in the program, such as
// "OpenSSH_9.2p1 Debian-2". A regular expression would cost each start of ours
// its compilation.
func readBanner(text string) (v version, vendor string, ok bool) {
	text, _ = strings.CutPrefix(text, "OpenSSH_")
	major, text, _ := leadingNumber(text)
	text, dot := strings.CutPrefix(text, ".")
	minor, vendor, numbers := leadingNumber(text)
	if patch, found := strings.CutPrefix(vendor, "p"); found {
		_, vendor, _ = leadingNumber(patch)
	}
	return version(100*major + minor), vendor, dot && numbers
}

const partSize = 16 << 10 // of the program, in bytes; a read costs less than touching the memory for a larger one

// bannerIn is the first text from "OpenSSH_" on that is no pattern of compat.c
// and names its builder, or the first without; nothing if there is none. (A
// build of 10.6 has its version alone in front of SSH_RELEASE.) It goes through the program, a megabyte, in one small
// buffer: fresh memory for all of it costs each start of ours more than the
// reading does.
func bannerIn(program io.Reader) []byte {
	const length = 80
	buf := make([]byte, partSize)
	kept := 0 // bytes of the part before, in which a banner may begin
	var plain []byte
	for {
		n, err := io.ReadFull(program, buf[kept:])
		part := buf[:kept+n]
		for at := 0; ; at++ {
			i := bytes.Index(part[at:], []byte("OpenSSH_"))
			if at += i; i < 0 || len(part)-at < length && err == nil {
				break
			}
			switch text := firstString(part[at:min(len(part), at+length)]); {
			case bytes.ContainsRune(text, '*'):
			case bytes.ContainsRune(text, ' '):
				return text
			case plain == nil:
				plain = bytes.Clone(text)
			}
		}
		if err != nil {
			return plain
		}
		kept = copy(buf, part[len(part)-length:])
	}
}

// firstString is what stands before the end of a C string.
func firstString(b []byte) []byte {
	text, _, _ := bytes.Cut(b, []byte{0})
	return text
}

// lookup finds a keyword of this build.
func (d *dialect) lookup(word string) key {
	k := lookup(word)
	switch {
	case !d.knows(k, word):
		return kUnknown
	case !d.kerberos && (k == kGSSAPIAuthentication || k == kGSSAPIDelegateCredentials):
		return kUnsupported
	}
	if k == kServerAliveInterval && d.version >= v10_0 && equalFold(word, "setuptimeout") {
		return kConnectTimeout // as Debian 13 has it
	}
	return k
}

// knows tells whether this build has the keyword, which is written as word.
func (d *dialect) knows(k key, word string) bool {
	switch {
	case keywords[k].since > d.version:
		return false
	case !d.debian && (equalFold(word, "useblacklistedkeys") || equalFold(word, "protocolkeepalives") || equalFold(word, "setuptimeout")):
		return false
	case !d.gssapi && kGSSAPIKeyExchange <= k && k <= kGSSAPIKexAlgorithms && k != kGSSAPIDelegateCredentials:
		return false
	}
	return true
}

// printed are the options in the order of ssh -G.
func (d *dialect) printed() iter.Seq[key] {
	return func(yield func(key) bool) {
		list := d.shape(kRevokedHostKeys) == joined // and stands among the lists
		for k := kUser; k < keyCount; k++ {
			if k == kRevokedHostKeys && list {
				continue
			}
			if !yield(k) || k == kUserKnownHostsFile && list && !yield(kRevokedHostKeys) {
				return
			}
		}
	}
}

// always tells whether an option counts outside of the blocks that apply, too.
func (d *dialect) always(k key) bool {
	return keywords[k].always && (k != kStreamLocalBindMask || d.version < v10_6)
}

// choice are the words that an option takes, nil if it takes others too.
func (d *dialect) choice(k key) choices {
	if k == kTCPKeepAlive && d.version >= v10_6 {
		return keepAlives
	}
	return keywords[k].choice
}

// shape is how this build prints an option.
func (d *dialect) shape(k key) shape {
	if k == kRevokedHostKeys && d.version >= v10_3 {
		return joined
	}
	return keywords[k].shape
}

// validUser is ssh_valid_ruser of this build.
func (d *dialect) validUser(name string) bool {
	return validUser(name) && (d.version < v10_6 || !strings.ContainsAny(name, `\$`))
}

func names(list string) []string { return strings.Split(list, ",") }

const (
	allCiphers = "3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc,aes128-ctr,aes192-ctr,aes256-ctr," +
		"aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com"
	ciphers9 = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr," +
		"aes128-gcm@openssh.com,aes256-gcm@openssh.com"
	ciphers10 = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com," +
		"aes128-ctr,aes192-ctr,aes256-ctr"

	allMACs = "hmac-sha1,hmac-sha1-96,hmac-sha2-256,hmac-sha2-512,hmac-md5,hmac-md5-96," +
		"umac-64@openssh.com,umac-128@openssh.com,hmac-sha1-etm@openssh.com,hmac-sha1-96-etm@openssh.com," +
		"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-md5-etm@openssh.com," +
		"hmac-md5-96-etm@openssh.com,umac-64-etm@openssh.com,umac-128-etm@openssh.com"
	defaultMACs = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com," +
		"hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com," +
		"hmac-sha2-256,hmac-sha2-512,hmac-sha1"

	oldKex = "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group14-sha256," +
		"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha1," +
		"diffie-hellman-group-exchange-sha256,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521," +
		"curve25519-sha256,curve25519-sha256@libssh.org"
	sntrup     = "sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com"
	sntrupOld  = "sntrup761x25519-sha512@openssh.com"
	mlkem      = "mlkem768x25519-sha256"
	curves     = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521"
	groups     = "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"
	gssMethods = "gss-gex-sha1-,gss-group1-sha1-,gss-group14-sha1-,gss-group14-sha256-,gss-group16-sha512-," +
		"gss-nistp256-sha256-,gss-curve25519-sha256-"
	defaultGSS = "gss-group14-sha256-,gss-group16-sha512-,gss-nistp256-sha256-,gss-curve25519-sha256-,gss-group14-sha1-,gss-gex-sha1-"

	ecKeys = "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com," +
		"ecdsa-sha2-nistp256,ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384,ecdsa-sha2-nistp384-cert-v01@openssh.com," +
		"ecdsa-sha2-nistp521,ecdsa-sha2-nistp521-cert-v01@openssh.com," +
		"sk-ecdsa-sha2-nistp256@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com," + webauthn
	webauthn            = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
	webauthnCertificate = "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"
	hybrid              = "ssh-mldsa44-ed25519" // an experiment of OpenSSH's own at first
	dsaKeys             = "ssh-dss,ssh-dss-cert-v01@openssh.com"
	rsaKeys             = "ssh-rsa,ssh-rsa-cert-v01@openssh.com,rsa-sha2-256,rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com"

	defaultCertificates = "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384-cert-v01@openssh.com," +
		"ecdsa-sha2-nistp521-cert-v01@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com," +
		"rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com"
	defaultSignatures = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com," +
		"sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"
)

// defaults are those of all dialects; newDialect changes what differs. An
// option that is not here prints nothing unless it is set.
var defaults = map[key]string{
	kAddressFamily:                    "any",
	kBatchMode:                        "no",
	kCanonicalizeFallbackLocal:        "yes",
	kCanonicalizeHostname:             "false",
	kCheckHostIP:                      "no",
	kCompression:                      "no",
	kControlMaster:                    "false",
	kEnableSSHKeysign:                 "no",
	kClearAllForwardings:              "no",
	kExitOnForwardFailure:             "no",
	kFingerprintHash:                  "SHA256",
	kForwardX11:                       "no",
	kForwardX11Trusted:                "no",
	kGatewayPorts:                     "no",
	kHashKnownHosts:                   "no",
	kHostbasedAuthentication:          "no",
	kIdentitiesOnly:                   "no",
	kKbdInteractiveAuthentication:     "yes",
	kNoHostAuthenticationForLocalhost: "no",
	kPasswordAuthentication:           "yes",
	kPermitLocalCommand:               "no",
	kProxyUseFdpass:                   "no",
	kPubkeyAuthentication:             "true",
	kRequestTTY:                       "auto",
	kSessionType:                      "default",
	kStdinNull:                        "no",
	kForkAfterAuthentication:          "no",
	kStreamLocalBindUnlink:            "no",
	kStrictHostKeyChecking:            "ask",
	kTCPKeepAlive:                     "yes",
	kTunnel:                           "false",
	kVerifyHostKeyDNS:                 "false",
	kVisualHostKey:                    "no",
	kEnableEscapeCommandline:          "no",
	kCanonicalizeMaxDots:              "1",
	kConnectionAttempts:               "1",
	kForwardX11Timeout:                "1200",
	kNumberOfPasswordPrompts:          "3",
	kServerAliveCountMax:              "3",
	kServerAliveInterval:              "0",
	kRequiredRSASize:                  "1024",
	kLogLevel:                         "INFO",
	kSecurityKeyProvider:              "internal",
	kXAuthLocation:                    "/usr/X11R6/bin/xauth",
	kGlobalKnownHostsFile:             "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
	kUserKnownHostsFile:               "~/.ssh/known_hosts ~/.ssh/known_hosts2",
	kPermitRemoteOpen:                 "any",
	kAddKeysToAgent:                   "false",
	kForwardAgent:                     "no",
	kConnectTimeout:                   "none",
	kTunnelDevice:                     "any:any",
	kControlPersist:                   "no",
	kEscapeChar:                       "~",
	kIPQoS:                            "af21 cs1",
	kRekeyLimit:                       "0",
	kRekeyInterval:                    "0",
	kStreamLocalBindMask:              "0177",
	kSyslogFacility:                   "USER",
}

// newDialect is how a release of ssh is, as upstream or Debian builds it.
func newDialect(v version, debian bool) *dialect {
	d := &dialect{
		version:  v,
		release:  fmt.Sprintf("OpenSSH_%d.%dp1", v/100, v%100),
		debian:   debian,
		gssapi:   debian,
		kerberos: true,
		defaults: maps.Clone(defaults),
		logLevels: map[string]string{"quiet": "QUIET", "fatal": "FATAL", "error": "ERROR", "info": "INFO",
			"verbose": "VERBOSE", "debug": "DEBUG", "debug1": "DEBUG", "debug2": "DEBUG2", "debug3": "DEBUG3"},
		macs:       algorithms{names(allMACs), names(defaultMACs)},
		ciphers:    algorithms{names(allCiphers), names(ciphers9)},
		keyTypes:   algorithms{names(ecKeys + "," + dsaKeys + "," + rsaKeys), names(defaultCertificates + "," + defaultSignatures)},
		caKeyTypes: algorithms{defaults: names(defaultSignatures)},
		kex:        algorithms{names(oldKex + "," + sntrupOld), names(sntrupOld + "," + curves + "," + groups)},
		shortKeys:  names("ED25519,ED25519-SK,ECDSA,ECDSA-SK,DSA,RSA,null"),
		identities: names("id_rsa,id_ecdsa,id_ecdsa_sk,id_ed25519,id_ed25519_sk,id_xmss,id_dsa"),
	}
	if debian {
		d.patchDebian()
	}
	for _, c := range releases {
		if v >= c.since {
			c.make(d)
		}
	}
	d.caKeyTypes.all = plainKeys(d.keyTypes.all)
	return d
}

// releases is the one table of what releases brought, the older ones first.
var releases = []struct {
	since version
	make  func(d *dialect)
}{
	{v9_5, func(d *dialect) { d.defaults[kObscureKeystrokeTiming] = "yes" }},
	{v9_6, func(d *dialect) { d.defaults[kChannelTimeout] = "none" }},
	{v9_9, func(d *dialect) {
		d.kex = algorithms{names(oldKex + "," + sntrup + "," + mlkem), names(sntrup + "," + mlkem + "," + curves + "," + groups)}
	}},
	{v10_0, func(d *dialect) {
		d.ciphers.defaults = names(ciphers10)
		d.keyTypes.all = names(ecKeys + "," + rsaKeys)
		d.shortKeys = names("null")
		d.kex.defaults = names(mlkem + "," + sntrup + "," + curves + "," + groups)
		d.identities = names("id_rsa,id_ecdsa,id_ecdsa_sk,id_ed25519,id_ed25519_sk,id_xmss")
		if d.debian {
			d.modernQoS = true // backported to Debian 13
			d.defaults[kIPQoS] = "ef cs1"
		}
	}},
	{v10_1, func(d *dialect) {
		d.modernQoS = true
		d.defaults[kIPQoS] = "ef cs0"
		d.defaults[kWarnWeakCrypto] = "yes"
		d.identities = names("id_rsa,id_ecdsa,id_ecdsa_sk,id_ed25519,id_ed25519_sk")
	}},
	{v10_3, func(d *dialect) {
		d.keyTypes.all = after(d.keyTypes.all, webauthn, webauthnCertificate)
		d.keyTypes.defaults = after(after(d.keyTypes.defaults, "sk-ecdsa-sha2-nistp256@openssh.com", webauthn),
			"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", webauthnCertificate)
		d.caKeyTypes.defaults = after(d.caKeyTypes.defaults, "sk-ecdsa-sha2-nistp256@openssh.com", webauthn)
	}},
	{v10_4, func(d *dialect) {
		d.identities = append(d.identities, "id_mldsa44_ed25519")
		d.keyTypes.all = after(d.keyTypes.all, "sk-ssh-ed25519-cert-v01@openssh.com", hybrid+"@openssh.com", hybrid+"-cert-v01@openssh.com")
	}},
	{v10_5, func(d *dialect) { d.kex.all = before(d.kex.all, "curve25519-sha256", "mlkem768nistp256-sha256") }},
	{v10_6, func(d *dialect) {
		d.defaults[kTCPKeepAlive] = keepAlives["yes"]
		if d.gssapi {
			d.defaults[kGSSAPIKexAlgorithms] = strings.TrimSuffix(defaultGSS, ",gss-group14-sha1-,gss-gex-sha1-")
		}
		d.keyTypes.all = without(d.keyTypes.all, hybrid+"@openssh.com", hybrid+"-cert-v01@openssh.com")
		d.keyTypes.all = after(d.keyTypes.all, "sk-ssh-ed25519-cert-v01@openssh.com", hybrid, hybrid+"-cert")
		d.keyTypes.defaults = append(before(d.keyTypes.defaults, "ssh-ed25519", hybrid+"-cert"), hybrid)
	}},
}

// after is a list with further names behind one of its own.
func after(list []string, name string, more ...string) []string {
	return slices.Insert(list, slices.Index(list, name)+1, more...)
}

// before is a list with a further name in front of one of its own.
func before(list []string, name, more string) []string {
	return slices.Insert(list, slices.Index(list, name), more)
}

func without(list []string, names ...string) []string {
	return slices.DeleteFunc(list, func(name string) bool { return slices.Contains(names, name) })
}

// patchDebian is what debian/patches changes.
func (d *dialect) patchDebian() {
	d.logLevels["silent"], d.logLevels["quiet"] = "SILENT", "SILENT"
	d.gssKex = names(gssMethods)
	d.kex = algorithms{names(oldKex + "," + sntrup), names(sntrup + "," + curves + "," + groups)} // the standard's name of sntrup761 was brought to 9.2
	for k, text := range map[key]string{
		kForwardX11Trusted:         "yes",
		kGSSAPIAuthentication:      "no",
		kGSSAPIKeyExchange:         "no",
		kGSSAPIDelegateCredentials: "no",
		kGSSAPITrustDNS:            "no",
		kGSSAPIRenewalForcesRekey:  "no",
		kGSSAPIKexAlgorithms:       defaultGSS,
		kXAuthLocation:             "/usr/bin/xauth",
		kIPQoS:                     "lowdelay throughput",
	} {
		d.defaults[k] = text
	}
}

// dropGSSAPI is what a build without it does not have.
func (d *dialect) dropGSSAPI() {
	d.gssapi, d.kerberos, d.gssKex = false, false, nil
	for k := kGSSAPIAuthentication; k <= kGSSAPIKexAlgorithms; k++ {
		delete(d.defaults, k)
	}
}

// plainKeys leaves the certificates out.
func plainKeys(types []string) []string {
	var plain []string
	for _, t := range types {
		if !strings.Contains(t, "-cert") {
			plain = append(plain, t)
		}
	}
	return plain
}

package keys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// Finding is something wrong with a key pair.
type Finding struct {
	Rule    string `json:"rule"`
	Message string `json:"message"`
	Fix     string `json:"fix"` // a command line
}

// Rules that others tell apart.
const (
	RuleOpen   = "mode-open"     // others can reach the private half
	RuleOrphan = "orphan-public" // a public half alone, which is right for a key in an agent
)

// Ours tells whether Mend does what Fix says.
func (f Finding) Ours() bool { return f.Rule == RuleOpen }

// Mend does what Fix says for the private half at path, where it is Ours.
func (f Finding) Mend(path string) error {
	if !f.Ours() {
		return errors.New("this has to be done by hand")
	}
	return os.Chmod(path, 0o600)
}

// errPuTTY is a key that ssh can't read.
var errPuTTY = errors.New("it is a key of PuTTY, which ssh does not read")

func (f *Facts) found(rule, message, fix string) {
	f.Findings = append(f.Findings, Finding{rule, message, fix})
}

// judge holds what was found against the rules, the gravest first. broken is
// why the private half is no key.
func (f *Facts) judge(data []byte, broken error) {
	path, public := operand(f.Path), operand(f.Path+".pub")
	if strings.HasPrefix(filepath.Base(f.Path), temporaryMark) {
		f.found("leftover", "it was left by a change that was cut off; the key that was to be changed is as it was", "rm "+path)
		return
	}
	if f.open {
		f.found(RuleOpen, fmt.Sprintf("others can reach it: its mode is %s", f.Mode), "chmod 600 "+path)
	}
	switch {
	case broken != nil:
		f.found("not-private", broken.Error(), f.replace(data, broken))
		return
	case f.Private == nil && f.Public == nil:
		f.found("not-public", "the .pub file is not a public key", "mv -n "+public+" "+operand(f.Path+".pub.broken"))
	case f.Private == nil && f.Certificate == nil:
		f.found(RuleOrphan, "the private half is missing", "mv -n "+public+" "+operand(f.Path+".pub.orphan"))
	case f.PublicFile == PublicMissing:
		f.found("public-missing", "the public half is missing", "sallyport key public "+path)
	case f.PublicFile == PublicMismatched:
		f.found("public-mismatched", "the .pub file beside it is not its public half", "sallyport key public "+path)
	}
	f.judgeStrength()
	f.judgeLock()
}

// replace is the way out where a file is not the private key that its name
// says.
func (f *Facts) replace(data []byte, broken error) string {
	path := operand(f.Path)
	if errors.Is(broken, errPuTTY) {
		return "sallyport key import " + path
	}
	if _, _, ok := ParsePublic(data); ok && f.PublicFile == PublicMissing {
		return "mv -n " + path + " " + operand(f.Path+".pub")
	}
	return "mv -n " + path + " " + operand(f.Path+".broken")
}

// leastRSA is the size in bits that NIST SP 800-57 asks for until 2030 and
// after.
const leastRSA = 3072

func (f *Facts) judgeStrength() {
	const stronger = "sallyport key new"
	switch kind, _ := strings.CutSuffix(f.Type, "-CERT"); {
	case kind == "DSA":
		f.found("dsa", "servers refuse DSA since OpenSSH 7.0", stronger)
	case kind == "RSA" && f.Bits < leastRSA:
		f.found("rsa-short", fmt.Sprintf("an RSA key of %d bits is short; %d is the least, 4096 is advised", f.Bits, leastRSA), stronger)
	}
}

// judgeLock leaves out keys of FIDO tokens: their files are worth nothing
// without the token.
func (f *Facts) judgeLock() {
	if f.Private == nil || f.Public != nil && isSecurityKey(f.Public) {
		return
	}
	fix := "sallyport key passwd " + operand(f.Path)
	switch {
	case !f.Private.Encrypted:
		f.found("unencrypted", "it has no passphrase", fix)
	case f.Private.Format == FormatPEM:
		// One round of MD5 makes the cipher's key: EVP_BytesToKey(3).
		f.found("old-pem", "the old PEM format hardly slows down who guesses its passphrase", fix)
	}
}

// operand is a path as one word of a POSIX shell, never an option.
func operand(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "." + string(os.PathSeparator) + path
	}
	return shellescape.Quote(path)
}

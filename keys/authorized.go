package keys

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Authorized is a line of an authorized_keys file that holds a key.
type Authorized struct {
	Line    int      `json:"line"` // from 1
	Type    string   `json:"type"`
	Bits    int      `json:"bits"`
	SHA256  string   `json:"sha256"`
	Comment string   `json:"comment"`
	Options []string `json:"options"` // as written, quotes and all

	Public ssh.PublicKey `json:"-"`
}

// ParseAuthorized finds the keys in authorized_keys as sshd does:
// auth_check_authkey_line of auth2-pubkeyfile.c. What it passes over is left
// out. An option that sshd does not know is not: the whole line is refused for
// that only when its key comes.
func ParseAuthorized(data []byte) []Authorized {
	all := []Authorized{}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if a, ok := parseAuthorized(string(line)); ok {
			a.Line = number
			all = append(all, a)
		}
	}
	return all
}

// blanks are what sshd takes for the space between two fields.
const blanks = " \t"

func parseAuthorized(line string) (a Authorized, ok bool) {
	line, _, _ = strings.Cut(line, "\x00") // where a string of C ends
	line = strings.TrimLeft(line, blanks)
	if line == "" || line[0] == '\n' || line[0] == '#' {
		return a, false
	}
	key, comment, ok := readKey(line)
	options := ""
	if !ok {
		n, closed := optionsLength(line)
		if !closed {
			return a, false
		}
		options = line[:n]
		if key, comment, ok = readKey(strings.TrimLeft(line[n:], blanks)); !ok {
			return a, false
		}
	}
	return Authorized{
		Type: TypeName(key), Bits: Bits(key), SHA256: Fingerprint(key), Public: key,
		Comment: strings.TrimRight(comment, "\r\n"),
		Options: splitOptions(options),
	}, true
}

// readKey reads a type, its key in base64, and what follows: sshkey_read of
// sshkey.c.
func readKey(s string) (key ssh.PublicKey, comment string, ok bool) {
	end := strings.IndexAny(s, blanks)
	if end < 0 {
		return nil, "", false
	}
	kind, rest := s[:end], strings.TrimLeft(s[end:], blanks)
	encoded := rest
	if end = strings.IndexAny(rest, blanks); end >= 0 {
		encoded, comment = rest[:end], strings.TrimLeft(rest[end:], blanks)
	}
	// b64_pton passes over the space of isspace(3), wherever it is.
	encoded = strings.Join(strings.FieldsFunc(encoded, isSpace), "")
	blob, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, "", false
	}
	key, err = ssh.ParsePublicKey(blob)
	if err != nil || key.Type() != kind {
		return nil, "", false
	}
	return key, comment, true
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) }

// optionsLength is where the options before a key end, and whether their
// quotes are closed: sshkey_advance_past_options of authfile.c.
func optionsLength(s string) (n int, closed bool) {
	quoted := false
	for n = 0; n < len(s) && (quoted || !strings.ContainsRune(blanks, rune(s[n]))); n++ {
		switch {
		case strings.HasPrefix(s[n:], `\"`):
			n++
		case s[n] == '"':
			quoted = !quoted
		}
	}
	return n, !quoted
}

// splitOptions parts options at the commas outside of quotes.
func splitOptions(s string) []string {
	options := []string{}
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], `\"`):
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			options = append(options, s[start:i])
			start = i + 1
		}
	}
	if s != "" {
		options = append(options, s[start:])
	}
	return options
}

// Authority tells that the line trusts what the key has certified, and does
// not let the key itself in.
func (a Authorized) Authority() bool {
	return slices.ContainsFunc(a.Options, func(o string) bool { return strings.EqualFold(o, "cert-authority") })
}

// AuthorizedLine is the line that lets a key in, without its newline. Of the
// comment, which may be anybody's words, only what a terminal and a web form
// keep as it is comes along.
func AuthorizedLine(key ssh.PublicKey, comment string) string {
	line := string(bytes.TrimSuffix(ssh.MarshalAuthorizedKey(Plain(key)), []byte("\n")))
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, comment)
	return strings.TrimRight(line+" "+strings.TrimSpace(plain), " ")
}

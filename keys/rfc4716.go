package keys

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

const (
	rfc4716Begin = "---- BEGIN SSH2 PUBLIC KEY ----"
	rfc4716End   = "---- END SSH2 PUBLIC KEY ----"
)

var errRFC4716 = errors.New("it is a damaged public key in the form of RFC 4716")

// PublicRFC4716 is a public key as ssh-keygen -e writes it for who, as
// "jon@wall". Its own comment is left out: do_convert_to_ssh2 (ssh-keygen.c).
func PublicRFC4716(key ssh.PublicKey, who string) []byte {
	const most = 60 // bytes, so that the line keeps to the 72 of section 3.3
	comment := fmt.Sprintf("%d-bit %s, converted by %s from OpenSSH", Bits(key), TypeName(key), who)
	comment = comment[:min(len(comment), most)]
	const width = 70
	body := wrap(base64.StdEncoding.EncodeToString(key.Marshal()), width)
	return []byte(rfc4716Begin + "\nComment: \"" + comment + "\"\n" + strings.Join(body, "\n") + "\n" + rfc4716End + "\n")
}

// wrap parts text into lines of at most width bytes.
func wrap(text string, width int) (lines []string) {
	for ; len(text) > width; text = text[width:] {
		lines = append(lines, text[:width])
	}
	return append(lines, text)
}

// parseRFC4716 reads what stands between the two marks, section 3.
func parseRFC4716(data []byte) (key ssh.PublicKey, comment string, err error) {
	_, text, _ := strings.Cut(string(unixLines(data)), rfc4716Begin+"\n")
	text, _, ok := strings.Cut(text, rfc4716End)
	if !ok {
		return nil, "", errRFC4716
	}
	// A backslash at the end of a header's line continues it.
	var encoded strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		tag, value, header := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch {
		case !header:
			encoded.WriteString(tag)
		case strings.EqualFold(tag, "Comment"):
			comment = unquoted(strings.TrimSpace(value))
		}
	}
	blob, err := base64.StdEncoding.DecodeString(encoded.String())
	if err != nil {
		return nil, "", errRFC4716
	}
	if key, err = ssh.ParsePublicKey(blob); err != nil {
		return nil, "", errRFC4716
	}
	return key, comment, nil
}

// unquoted takes the quotes off a comment, which are no part of it: section
// 3.3.2.
func unquoted(s string) string {
	if len(s) >= 2 && strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) {
		return s[1 : len(s)-1]
	}
	return s
}

// unixLines is text whose lines end in \n, whatever system wrote it.
func unixLines(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

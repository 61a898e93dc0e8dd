package config

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// savedAlias is a title as a word of a Host line: letters, digits and what
// harms nowhere stay, all else becomes a dash.
func savedAlias(title string) string {
	var b strings.Builder
	for _, r := range title {
		switch {
		case aliasRune(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	alias := strings.Trim(b.String(), "-")
	if alias == "" || equalFold(alias, "none") { // a ProxyJump of that name is no jump
		return strings.TrimRight("session-"+alias, "-")
	}
	return alias
}

// aliasRune tells a character that may stand in an alias.
func aliasRune(r rune) bool {
	return r < 0x80 && alnum(byte(r)) || strings.ContainsRune("._+-", r) ||
		r >= 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) && visible(r, utf8.RuneLen(r), 0) == ""
}

package transport

import (
	"fmt"
	"strings"

	"sallyport/config"
)

// words of ssh that tell what kind of failure it was, the most telling first
// (sshconnect.c, sshconnect2.c, packet.c, readconf.c). A failure that no line
// tells of is one of OpenSSH, which is not tried again by itself: it may have
// been a login.
var sshWords = []struct{ text, code string }{
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", "hostkey-changed"},
	{"REVOKED HOST KEY", "hostkey-revoked"},
	{"Host key verification failed", "hostkey-unknown"},
	{"Permission denied", CodeAuth},
	{"Too many authentication failures", CodeAuth},
	{"no more authentication methods", CodeAuth},
	{"Unable to negotiate", CodeAlgorithms},
	{"Bad configuration option", CodeConfig},
	{"terminating, ", CodeConfig},
	{"Could not resolve hostname", CodeUnreachable},
	{"Connection refused", CodeUnreachable},
	{"No route to host", CodeUnreachable},
	{"Network is unreachable", CodeUnreachable},
	{"timed out", CodeTimeout},
	{"not responding", CodeTimeout},
	{"Connection reset by", CodeClosed},
	{"Connection closed by", CodeClosed},
	{"Connection to ", CodeClosed},
}

// explainSSH is why ssh, which said this much, did not log in; death is its
// end in short.
func explainSSH(said, death string) *Failure {
	f := &Failure{Code: CodeOpenSSH, Message: death}
	for _, words := range sshWords {
		if strings.Contains(said, words.text) {
			f.Code = words.code
			break
		}
	}
	if words := closingLines(said); words != "" {
		f.Message = fmt.Sprintf("ssh says %q", words)
	}
	if m := offendingLine().FindStringSubmatch(said); m != nil {
		f.Hint = "edit " + config.Printable(m[1])
	}
	return f
}

// closingLines are the last lines of what a program said, printable: the first of
// them is often the reason and the last only its consequence.
func closingLines(said string) string {
	const enough = 3
	lines := strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		lines[i] = config.Printable(strings.TrimSpace(line))
	}
	return strings.Join(lines[max(0, len(lines)-enough):], "; ")
}

// offendingLine is where ssh found another key than the server's.
var offendingLine = pattern(`(?m)^Offending .* in (\S+:\d+)\s*$`)

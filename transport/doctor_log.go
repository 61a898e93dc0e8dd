package transport

import "strings"

// farLogScript tells what sshd has complained of about the account within a day:
// by the journal where the account may read it, else by the file of syslog. Both
// are limited, since the rest of the script waits.
const farLogScript = `me=$(id -un)
echo "@me $me"
echo "@at $HOME"
{
	timeout 5 journalctl -q --no-pager -o short-iso --since -1d -t sshd -t sshd-session 2>/dev/null
	for f in /var/log/auth.log /var/log/secure; do
		[ -r "$f" ] && tail -n 5000 "$f" | grep sshd
	done
} | grep -wF -e "$me" -e "$HOME" |
	grep -i -e failed -e failure -e refused -e error -e invalid -e fatal -e 'too many' -e 'not allowed' -e bad -e denied -e expired -e maximum -e preauth |
	tail -n 50 | cut -c1-300 | sed 's/^/@log /'`

// mostLog is how many lines of a log are told: the last ones.
const mostLog = 5

// logOwner is the account whose lines are told. Those of others are nobody's
// business here, also where they may be read.
type logOwner struct{ name, home string }

// owns tells whether a line names the account, or a file in its home: "jon" is
// not in "jon-snow".
func (o logOwner) owns(line string) bool {
	return standsAlone(line, o.name) || standsAlone(line, o.home)
}

// standsAlone tells whether a word, or a path is in a line, and no part of another.
func standsAlone(line, word string) bool {
	if word == "" || word == "/" {
		return false
	}
	for rest := line; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		before, after := rest[:i], rest[i+len(word):]
		if (before == "" || !nameByte(before[len(before)-1])) && (after == "" || !nameByte(after[0])) {
			return true
		}
		rest = after
	}
}

// nameByte tells what a login name may have in it.
func nameByte(c byte) bool {
	return c >= 0x80 || c == '-' || c == '_' || c == '.' || c == '@' || c == '\\' || c == '$' ||
		'0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// farLog tells what sshd has to say of the account: why it did not let it in
// before. It is no fault by itself.
func (e *exam) farLog(check) {
	if e.far == nil {
		return
	}
	for _, line := range e.far.log[max(0, len(e.far.log)-mostLog):] {
		e.tell(Finding{Hop: e.Host, Outcome: Noted, What: "sshd there has said: " + line})
	}
}

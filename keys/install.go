package keys

import (
	"bytes"
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// Change is what is to become of an account's keys.
type Change struct {
	Add    string       // the line of a key; "" for none
	Remove []Authorized // lines of the account
	Mend   []Fault
}

// Script makes the change, in POSIX shell. It writes a copy beside
// authorized_keys, or beside what that is a link to, and puts it in place by
// one rename: a connection that breaks leaves the file as it was, and a
// function is run only once all of it has arrived. It does nothing if the file
// is no longer that of a.
func (c Change) Script(a Account) string {
	var b strings.Builder
	fmt.Fprintf(&b, "change() {\nsum=%s\nline=%s\n", shellescape.Quote(a.Sum), shellescape.Quote(c.Add))
	b.WriteString(changeBegins)
	for _, f := range c.Mend {
		if f.Mend != "" {
			fmt.Fprintf(&b, "e=$(%s 2>&1) || fail \"mending %s\" \"$e\"\n", f.Mend, f.Path)
		}
	}
	switch {
	case c.Add != "":
		b.WriteString(changeWrites + changeAdds + changeReplaces)
	case len(c.Remove) > 0:
		sed := "sed"
		for _, line := range c.Remove {
			sed += fmt.Sprintf(" -e %dd", line.Line)
		}
		fmt.Fprintf(&b, "%se=$(%s \"$f\" 2>&1 >\"$n\") || fail \"$writing\" \"$e\"\n%s", changeWrites, sed, changeReplaces)
	}
	b.WriteString("printf '\\n@done\\n'\n}\nchange\nexit 0\n")
	return b.String()
}

// changeBegins makes ~/.ssh.
const changeBegins = `LC_ALL=C; export LC_ALL; umask 077
PATH=$PATH:/usr/sbin:/sbin
writing='writing ~/.ssh/authorized_keys'
fail() { printf '\n@failed %s\n%s\n' "$1" "$2"; exit 0; }
d=$HOME/.ssh; f=$d/authorized_keys
[ -d "$d" ] || e=$(mkdir "$d" 2>&1) || fail 'making ~/.ssh' "$e"
`

// changeWrites makes the copy: cp -p keeps the mode and the owner.
const changeWrites = `i=0
while [ -L "$f" ]; do
	i=$((i+1)); [ $i -le 20 ] || fail "$writing" 'it is a link to itself'
	t=$(readlink "$f") || fail "$writing" 'where its link leads to is not told'
	case $t in /*) f=$t;; *) f=${f%/*}/$t;; esac
done
[ ! -e "$f" ] || [ -f "$f" ] || fail "$writing" 'it is not a file'
[ "$({ cksum <"$f"; } 2>/dev/null)" = "$sum" ] || fail "$writing" 'somebody else has just changed it'
n=$f.sallyport.$$
trap 'rm -f "$n"' 0; trap 'exit 1' 1 2 13 15
e=$( (set -C; : >"$n") 2>&1) || fail "$writing" "$e"
if [ -e "$f" ]; then e=$(cp -p "$f" "$n" 2>&1) || fail "$writing" "$e"; fi
locked=
[ -w "$n" ] || { locked=yes; chmod u+w "$n"; }
`

// changeAdds appends a line, after a newline if the last line has none: as in
// UTF-16, which ends in a NUL byte that shells pass over.
const changeAdds = `e=$( { { [ -z "$(tail -c 1 "$n" | tr '\000' x)" ] || echo >>"$n"; } && printf '%s\n' "$line" >>"$n"; } 2>&1) || fail "$writing" "$e"
[ "$(tail -n 1 "$n")" = "$line" ] || fail "$writing" 'what was written is not there'
`

// changeReplaces puts the copy in place. restorecon is where SELinux is.
const changeReplaces = `[ -z "$locked" ] || chmod u-w "$n"
e=$(mv -f "$n" "$f" 2>&1) || fail "$writing" "$e"
if command -v restorecon >/dev/null 2>&1; then restorecon -F "$d" "$f" >/dev/null 2>&1; fi
`

// ChangeError is why a change was not made.
type ChangeError struct {
	Doing  string // "writing ~/.ssh/authorized_keys"
	Reason string // what the program there said
}

// reasons are what programs say, in English, and what it means.
var reasons = []struct{ says, means string }{
	{"No space left on device", "its disk is full"},
	{"Disk quota exceeded", "your quota there is used up"},
	{"Read-only file system", "the file system is read-only"},
	{"Permission denied", "you may not write there"},
	{"Operation not permitted", "you may not change that"},
	{"cannot create", "you may not write there"}, // dash gives no more for set -C
}

func (e *ChangeError) Error() string {
	for _, r := range reasons {
		if strings.Contains(e.Reason, r.says) {
			return e.Doing + ": " + r.means
		}
	}
	return e.Doing + ": " + strings.Join(strings.Fields(e.Reason), " ")
}

// ParseChange reads what a change's script wrote: nil if the change was made,
// a *ChangeError if not. It is false if the script was not read to its end.
func ParseChange(out []byte) (error, bool) {
	if bytes.HasSuffix(out, []byte("\n@done\n")) {
		return nil, true
	}
	_, failed, ok := bytes.Cut(out, []byte("\n@failed "))
	doing, reason, _ := strings.Cut(string(failed), "\n")
	if !ok {
		return nil, false
	}
	return &ChangeError{doing, reason}, true
}

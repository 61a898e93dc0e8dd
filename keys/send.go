package keys

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// SendMark is what the script of SendScript writes once it waits for the archive:
// whoever does not run it is sent nothing.
const SendMark = "\n@send\n"

// SendScript sets the files of a pack up in the ~/.ssh of another account, in
// POSIX shell. It reads them as an archive of tar(1) from its standard input, into
// a directory that only the account can enter, so that no text of theirs is ever in
// a command line. Each is then put in its place by link(2), which writes over
// nothing; what is there already stays, as with Place. A function is run only once
// all of it has arrived, and nothing follows its line: bash(1) reads no further than
// that, so that the archive is next.
func SendScript(files []PackedFile) (string, error) {
	var b strings.Builder
	b.WriteString("receive() {\n" + sendBegins)
	for _, f := range files {
		if err := checkPackedName(f.Name); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "put %s %s %03o\n", shellescape.Quote(f.Name), shellescape.Quote(path.Dir(f.Name)), f.mode())
	}
	b.WriteString(sendEnds)
	return b.String(), nil
}

// sendBegins receives the files. Where a file system has no links between
// directories, as AFS, a file is moved, and not if another one is there.
const sendBegins = `LC_ALL=C; export LC_ALL; umask 077
fail() { printf '\n@failed %s\n%s\n' "$1" "$2"; exit 0; }
d=$HOME/.ssh; t=$d/.sallyport.$$
[ -d "$d" ] || e=$(mkdir "$d" 2>&1) || fail 'making ~/.ssh' "$e"
command -v tar >/dev/null 2>&1 || fail 'unpacking the files' 'there is no tar'
e=$(mkdir "$t" 2>&1) || fail 'making a directory in ~/.ssh' "$e"
trap 'rm -rf "$t"' 0; trap 'exit 1' 1 2 13 15
there() { [ -e "$1" ] || [ -h "$1" ]; }
place() {
	there "$2" && return 1
	mkdir -p "${2%/*}" 2>/dev/null
	ln "$1" "$2" 2>/dev/null || { ! there "$2" && mv "$1" "$2" 2>/dev/null; }
}
put() {
	chmod "$3" "$t/$1" || fail "setting the mode of $1" ''
	if place "$t/$1" "$d/$1"; then echo "@new $1"
	elif cmp -s "$t/$1" "$d/$1"; then echo "@same $1"
	elif ! there "$d/$1"; then fail "writing ~/.ssh/$1" "$(mkdir -p "$d/$2" 2>&1; ls -ld "$d/$2" 2>&1)"
	elif place "$t/$1" "$d/` + asideDir + `/$1" || cmp -s "$t/$1" "$d/` + asideDir + `/$1"; then echo "@aside $1"
	else echo "@skipped $1"
	fi
}
printf '\n@send\n'
e=$(cd "$t" && tar -xf - 2>&1) || fail 'unpacking the files' "$e"
`

const sendEnds = `if command -v restorecon >/dev/null 2>&1; then restorecon -R "$d" >/dev/null 2>&1; fi
printf '\n@done\n'
}
receive; exit 0
`

// Archive writes the files as SendScript reads them.
func Archive(w io.Writer, files []PackedFile) error { return writeArchive(w, files) }

// ParseSent reads what SendScript wrote: what became of each file, with a
// *ChangeError where it stopped. It is false if the script was not read to its end.
func ParseSent(out []byte, files []PackedFile) (list []Placement, failed error, ok bool) {
	failed, ok = ParseChange(out)
	_, told, begun := bytes.Cut(out, []byte(SendMark))
	if !ok || !begun {
		return nil, failed, ok
	}
	for _, f := range files {
		for _, state := range []string{PlaceNew, PlaceSame, PlaceAside, PlaceSkipped} {
			if bytes.Contains(append([]byte("\n"), told...), []byte("\n@"+state+" "+f.Name+"\n")) {
				list = append(list, f.sent(state))
			}
		}
	}
	return list, failed, ok
}

// sent is where a file is on the other host.
func (f PackedFile) sent(state string) Placement {
	p := Placement{Name: f.Name, State: state, Path: path.Join("~/.ssh", f.Name), Size: len(f.Text)}
	if state == PlaceAside {
		p.Path = path.Join("~/.ssh", asideDir, f.Name)
	}
	return p
}

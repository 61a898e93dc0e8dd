package keys

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Account is what an account on another host lets in by, as AccountScript
// found it.
type Account struct {
	UID             string
	Home, Dir, File Entry  // the home, ~/.ssh, and authorized_keys in it
	Sum             string // what cksum(1) says of the file, "" where it can't be read
	Authorized      []Authorized
}

// Entry is a file or a directory, its links followed. All is "" where there is
// none.
type Entry struct {
	Mode  string // as ls -l has it: "drwx------"
	Owner string // a number
}

// accountMark begins what AccountScript writes: a shell's start-up file may
// have written before it.
const accountMark = "\n@account\n"

// AccountScript tells of an account, in POSIX shell. It changes nothing. A
// function is run only once all of it has arrived.
const AccountScript = `look() {
LC_ALL=C; export LC_ALL; set -f
entry() { set -- "$1" $(ls -ldnL "$2" 2>/dev/null); echo "@$1 ${2:-} ${4:-}"; }
f=$HOME/.ssh/authorized_keys
printf '\n@account\n'
echo "@uid $(id -u)"
entry home "$HOME"
entry dir "$HOME/.ssh"
entry file "$f"
echo "@sum $({ cksum <"$f"; } 2>/dev/null)"
echo @keys
if [ -f "$f" ]; then cat "$f" 2>/dev/null; fi
}
look
exit 0
`

// ParseAccount reads what AccountScript wrote. It is false if something else
// than a shell read the script.
func ParseAccount(out []byte) (a Account, ok bool) {
	_, told, ok := bytes.Cut(append([]byte("\n"), out...), []byte(accountMark))
	facts, text, ends := bytes.Cut(told, []byte("@keys\n"))
	if !ok || !ends {
		return a, false
	}
	for line := range strings.Lines(string(facts)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		mode, owner, _ := strings.Cut(value, " ")
		switch name {
		case "@uid":
			a.UID = value
		case "@home":
			a.Home = Entry{mode, owner}
		case "@dir":
			a.Dir = Entry{mode, owner}
		case "@file":
			a.File = Entry{mode, owner}
		case "@sum":
			a.Sum = value
		}
	}
	a.Authorized = ParseAuthorized(text)
	return a, true
}

// Find are the lines that let a key in.
func (a Account) Find(key ssh.PublicKey) (lines []Authorized) {
	for _, line := range a.Authorized {
		if Equal(line.Public, Plain(key)) && !line.Authority() {
			lines = append(lines, line)
		}
	}
	return lines
}

// Fault is a mode or an owner for which sshd takes no key of the account.
type Fault struct {
	Path    string `json:"path"` // on the host: "~/.ssh"
	Message string `json:"message"`
	Mend    string `json:"mend,omitempty"` // a command line there, "" where that takes an administrator
}

// Faults are those for which sshd refuses all keys, with StrictModes:
// auth_secure_path of misc.c. What the owner himself can't read counts too.
func (a Account) Faults() []Fault {
	faults := []Fault{}
	for _, place := range []struct {
		path, mend string
		is         Entry
	}{
		{"~", "chmod go-w ~", a.Home},
		{"~/.ssh", "chmod 700 ~/.ssh", a.Dir},
		{"~/.ssh/authorized_keys", "chmod 600 ~/.ssh/authorized_keys", a.File},
	} {
		switch {
		case place.is.Mode == "":
		case place.is.Owner != a.UID && place.is.Owner != "0":
			faults = append(faults, Fault{Path: place.path, Message: fmt.Sprintf("it belongs to another user, with the number %s", place.is.Owner)})
		case !place.is.open() && place.is.Owner == a.UID && !place.is.usable():
			faults = append(faults, Fault{place.path, fmt.Sprintf("its owner can't use it: its mode is %s", place.is.Mode), place.mend})
		case place.is.Owner != a.UID && a.UID != "0" && place.is.shut():
			faults = append(faults, Fault{Path: place.path, Message: fmt.Sprintf("it belongs to root, and the account can't read it: its mode is %s", place.is.Mode)})
		case place.is.open():
			f := Fault{place.path, fmt.Sprintf("others can write to it: its mode is %s", place.is.Mode), place.mend}
			if place.is.Owner != a.UID && a.UID != "0" {
				f.Mend = ""
			}
			faults = append(faults, f)
		}
	}
	return faults
}

// The places of a mode as ls -l has it.
const (
	ownerReads, ownerEnters   = 1, 3
	groupReads, othersRead    = 4, 7
	groupWrites, othersWrites = 5, 8
	modeLength                = 10
)

func (e Entry) open() bool {
	return len(e.Mode) >= modeLength && (e.Mode[groupWrites] == 'w' || e.Mode[othersWrites] == 'w')
}

// shut tells that nobody but the owner can read it.
func (e Entry) shut() bool {
	return len(e.Mode) >= modeLength && e.Mode[groupReads] != 'r' && e.Mode[othersRead] != 'r'
}

func (e Entry) usable() bool {
	return len(e.Mode) < modeLength || e.Mode[ownerReads] == 'r' && (e.Mode[0] != 'd' || strings.IndexByte("xs", e.Mode[ownerEnters]) >= 0)
}

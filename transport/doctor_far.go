package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/keys"
)

// FarScript looks at an account, in POSIX sh. It only reads. Its first line
// parts what it says from what the shell's start-up files have printed.
const FarScript = `
echo @sallyport
echo "@time $(date +%s)"
echo "@uid $(id -u)"
entry() { [ -e "$2" ] && echo "@$1 $(LC_ALL=C ls -ldnL "$2" | awk '{print $1, $3}')"; }
entry home "$HOME"
entry dir "$HOME/.ssh"
entry file "$HOME/.ssh/authorized_keys"
[ -d "$HOME" ] || echo "@homeless $HOME"
[ ! -d "$HOME" ] || [ -w "$HOME" ] || echo "@closed $HOME"
echo "@room $(df -Pk "$HOME" 2>/dev/null | tail -n 1 | awk '{print $4}')"
[ "$(uname)" = Linux ] && echo "@inodes $(df -Pi "$HOME" 2>/dev/null | tail -n 1 | awk '$2 > 0 {print $4}')"
command -v quota >/dev/null 2>&1 && quota -q 2>/dev/null | sed 's/^/@quota /'
for f in "$HOME"/.ssh/*/authorized_keys "$HOME"/.ssh/authorised_keys "$HOME"/.ssh/authorized_key "$HOME"/authorized_keys; do
	[ -f "$f" ] && echo "@misplaced $f"
done
` + farLogScript + `
[ -r "$HOME/.ssh/authorized_keys" ] && echo @authorized && head -c 65536 "$HOME/.ssh/authorized_keys"
exit 0
`

// farMarker is the first line of the script's words.
const farMarker = "@sallyport\n"

// farSide is what the script has said.
type farSide struct {
	printed    string // by start-up files
	time       time.Time
	asked      time.Time
	account    keys.Account // its owners and modes
	homeless   string       // the home that should be there
	closed     string       // the home, where the account may not write to it
	room       uint64       // in KiB
	knowsRoom  bool
	noInodes   bool // no further file can be made
	quota      []string
	misplaced  []string
	owner      logOwner
	log        []string // what sshd has said of the owner
	authorized []byte
	hasFile    bool // authorized_keys can be read
}

// parseFar reads what the script has printed; ok is false if it did not run.
func parseFar(out []byte) (f *farSide, ok bool) {
	printed, rest, ok := bytes.Cut(out, []byte(farMarker))
	f = &farSide{printed: string(printed)}
	facts, authorized, hasFile := bytes.Cut(rest, []byte("\n@authorized\n"))
	f.authorized, f.hasFile = authorized, hasFile
	for line := range strings.Lines(string(facts)) {
		word, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		f.take(word, value)
	}
	return f, ok
}

func (f *farSide) take(word, value string) {
	switch word {
	case "@time":
		if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
			f.time = time.Unix(seconds, 0)
		}
	case "@uid":
		f.account.UID = value
	case "@home":
		f.account.Home = farEntry(value)
	case "@dir":
		f.account.Dir = farEntry(value)
	case "@file":
		f.account.File = farEntry(value)
	case "@homeless":
		f.homeless = value
	case "@closed":
		f.closed = value
	case "@room":
		room, err := strconv.ParseUint(value, 10, 64)
		f.room, f.knowsRoom = room, err == nil
	case "@inodes":
		f.noInodes = value == "0"
	case "@quota":
		if !strings.HasSuffix(value, ": none") {
			f.quota = append(f.quota, strings.Fields(value)...)
		}
	case "@misplaced":
		f.misplaced = append(f.misplaced, value)
	case "@me":
		f.owner.name = value
	case "@at":
		f.owner.home = value
	case "@log":
		if f.owner.owns(value) {
			f.log = append(f.log, value)
		}
	}
}

// farEntry reads a mode and the number of an owner.
func farEntry(value string) keys.Entry {
	mode, owner, _ := strings.Cut(value, " ")
	return keys.Entry{Mode: mode, Owner: owner}
}

// farLimit is the time that the far side has to look at itself.
const farLimit = 30 * time.Second

// farMost is how much of its words are kept, in bytes.
const farMost = 256 << 10

// run gives a script to a POSIX shell of the account, as its standard input:
// a login shell of any kind has nothing to quote.
func (c *Conn) run(ctx context.Context, script string) (out []byte, problems string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, farLimit, silence{"of the shell there", farLimit})
	defer cancel()
	session, err := c.NewSession(ctx)
	if err != nil {
		return nil, "", err
	}
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	defer session.Close()
	var said beginning
	var complained tail
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(script), &said, &complained
	err = session.Run("exec sh")
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return said.kept, complained.text(), err
}

// beginning keeps the first farMost bytes of what is written to it.
type beginning struct{ kept []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), farMost-len(b.kept))]...)
	return len(p), nil
}

// onFar passes a fault of the host's account on.
func (e *exam) onFar(what, fix string, repair func(context.Context) error) {
	e.tell(Finding{Hop: e.Host, Outcome: Wrong, What: what, Fix: fix, repair: repair})
}

// overThere is a command line for the host, and its repair.
func (e *exam) overThere(script string) (fix string, repair func(context.Context) error) {
	conn := e.conn
	return "ssh " + shellescape.Quote(e.Host) + " " + shellescape.Quote(script), func(ctx context.Context) error {
		_, problems, err := conn.run(ctx, script)
		if exit := (*ssh.ExitError)(nil); errors.As(err, &exit) {
			return fmt.Errorf("on %q: %s", e.Host, sayable(problems))
		}
		return err
	}
}

// shutStatus ends a session at a host that has /etc/nologin (do_nologin, session.c).
const shutStatus = 254

// session opens one and looks around. An account that only runs a command of
// its own, as at a host of git, is no fault.
func (e *exam) session(check) {
	if e.conn == nil {
		return
	}
	asked := time.Now()
	out, problems, err := e.conn.run(e.ctx, FarScript)
	far, ran := parseFar(out)
	words := shortened(strings.TrimSpace(string(out) + problems))
	var exit *ssh.ExitError
	switch {
	case ran:
		far.asked = asked
		e.far = far
		e.tell(Finding{Hop: e.Host, Outcome: Healthy, What: "commands run there"})
	case err != nil && !errors.As(err, &exit):
		f := asFailure(err, e.Host)
		e.onFar(f.Message, f.Hint, nil)
	case strings.Contains(words, "account is currently not available"): // nologin(8)
		e.onFar(fmt.Sprintf("the account has no shell: %q", words), "ask the administrator of the server for a login shell", nil)
	case exit != nil && exit.ExitStatus() == shutStatus:
		e.onFar(fmt.Sprintf("the host lets nobody in for now: %q", clipped(strings.Join(strings.Fields(problems), " "), 200)), "wait, or ask the administrator of the server when /etc/nologin goes", nil)
	case exit != nil && words == "":
		e.onFar(fmt.Sprintf("the shell of the account ends at once, with the status %d: it is none, as /bin/false, or a start-up file ends it", exit.ExitStatus()),
			"ask the administrator of the server for a login shell, or to take the start-up files of the account out of the way", nil)
	default:
		e.tell(Finding{Hop: e.Host, Outcome: Noted, What: fmt.Sprintf("the account runs a command of its own, so nothing more can be looked at there: %q", words)})
	}
}

func (e *exam) farShell(check) {
	if e.far == nil || e.far.printed == "" {
		return
	}
	e.onFar(fmt.Sprintf("the start-up files of the shell there print %q", shortened(strings.TrimSpace(e.far.printed))),
		"ssh -t "+shellescape.Quote(e.Host)+` vi .bashrc, and put before what prints: case $- in *i*) ;; *) return ;; esac`, nil)
}

// farHome tells of a home that is not there, or where nothing can be written.
// Both let a login with a password succeed.
func (e *exam) farHome(check) {
	switch {
	case e.far == nil:
	case e.far.homeless != "":
		e.onFar(fmt.Sprintf("there is no home directory %s there", e.far.homeless), "ask the administrator of the server whether it is made at a login elsewhere, or is not mounted", nil)
	case e.far.closed != "":
		e.onFar(fmt.Sprintf("the account cannot write to its home %s there", e.far.closed),
			"ssh "+shellescape.Quote(e.Host)+" 'ls -ld ~; df ~', and ask the administrator of the server", nil)
	}
}

func (e *exam) farModes(check) {
	if e.far == nil {
		return
	}
	for _, fault := range e.far.account.Faults() {
		fix, repair := "ask the administrator of the server to give "+fault.Path+" back to the account", (func(context.Context) error)(nil)
		if fault.Mend != "" {
			fix, repair = e.overThere(fault.Mend)
		}
		e.onFar(fmt.Sprintf("%s there: %s", fault.Path, fault.Message), fix, repair)
	}
}

// leastFarRoom is what a login writes, in KiB: history, locks, logs.
const leastFarRoom = 1 << 10

func (e *exam) farDisk(check) {
	largest := "ssh " + shellescape.Quote(e.Host) + ` 'du -xh ~ | sort -h | tail'`
	switch {
	case e.far == nil:
	case len(e.far.quota) > 0:
		e.onFar("your quota there is used up: "+strings.Join(e.far.quota, " "), largest, nil)
	case e.far.knowsRoom && e.far.room < leastFarRoom:
		e.onFar(fmt.Sprintf("the disk of your home there is full: %d KiB are left", e.far.room), largest, nil)
	case e.far.noInodes:
		e.onFar("the disk of your home there takes no further file: it has no inode left", "ssh "+shellescape.Quote(e.Host)+` 'du -x --inodes ~ | sort -n | tail'`, nil)
	}
}

// mostSkew is how far clocks may be apart: Kerberos' limit.
const mostSkew = 5 * time.Minute

func (e *exam) farClock(check) {
	if e.far == nil || e.far.time.IsZero() {
		return
	}
	if skew := e.far.time.Sub(e.far.asked); skew.Abs() > mostSkew {
		e.onFar(fmt.Sprintf("the clocks of this machine and of the host are %s apart", skew.Abs().Round(time.Second)), "sudo timedatectl set-ntp true", nil)
	}
}

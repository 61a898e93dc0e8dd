package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
)

// FarScript looks at an account, in POSIX sh. It only reads. Its first line
// parts what it says from what the shell's start-up files have printed.
const FarScript = `
echo @sallyport
echo "@time $(date +%s)"
for f in "$HOME" "$HOME/.ssh" "$HOME/.ssh/authorized_keys"; do
	[ -e "$f" ] && echo "@mode $(ls -ldn "$f" | cut -c1-10) $f"
done
echo "@room $(df -Pk "$HOME" 2>/dev/null | tail -n 1 | awk '{print $4}')"
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
	modes      []farMode
	room       uint64 // in KiB
	knowsRoom  bool
	quota      []string
	misplaced  []string
	owner      logOwner
	log        []string // what sshd has said of the owner
	authorized []byte
	hasFile    bool // authorized_keys can be read
}

// farMode is the mode of a file as ls(1) writes it.
type farMode struct{ mode, path string }

// open tells whether others can write to the file.
func (m farMode) open() bool { return len(m.mode) == 10 && (m.mode[5] == 'w' || m.mode[8] == 'w') }

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
	case "@mode":
		if mode, path, ok := strings.Cut(value, " "); ok {
			f.modes = append(f.modes, farMode{mode, path})
		}
	case "@room":
		room, err := strconv.ParseUint(value, 10, 64)
		f.room, f.knowsRoom = room, err == nil
	case "@quota":
		f.quota = append(f.quota, value)
	case "@misplaced":
		f.misplaced = append(f.misplaced, value)
	case "@me":
		f.owner.name = value
	case "@home":
		f.owner.home = value
	case "@log":
		if f.owner.owns(value) {
			f.log = append(f.log, value)
		}
	}
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

func (e *exam) farModes(check) {
	if e.far == nil {
		return
	}
	for _, m := range e.far.modes {
		if m.open() {
			fix, repair := e.overThere("chmod go-w " + shellescape.Quote(m.path))
			e.onFar(fmt.Sprintf("others can write to %s there: its mode is %s", m.path, m.mode), fix, repair)
		}
	}
}

// leastFarRoom is what a login writes, in KiB: history, locks, logs.
const leastFarRoom = 1 << 10

func (e *exam) farDisk(check) {
	switch {
	case e.far == nil:
	case len(e.far.quota) > 0:
		e.onFar("your quota there is used up: "+strings.Join(e.far.quota, " "), "ssh "+shellescape.Quote(e.Host)+` 'du -xh ~ | sort -h | tail'`, nil)
	case e.far.knowsRoom && e.far.room < leastFarRoom:
		e.onFar(fmt.Sprintf("the disk of your home there is full: %d KiB are left", e.far.room), "ssh "+shellescape.Quote(e.Host)+` 'du -xh ~ | sort -h | tail'`, nil)
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

// forwarding asks the far side for a connection, where the configuration has
// forwards that need one. Whether anybody listens there does not matter.
func (e *exam) forwarding(check) {
	if e.conn == nil || !slices.ContainsFunc(e.goal().Forwards(), func(f config.Forward) bool { return f.Keyword != "RemoteForward" }) {
		return
	}
	const discard = "127.0.0.1:9" // RFC 863
	c, err := e.conn.Dial(e.ctx, "tcp", discard)
	if err == nil {
		c.Close()
	}
	var f *Failure
	if errors.As(err, &f) && f.Code == CodeProhibited {
		e.onFar(f.Message, f.Hint, nil)
		return
	}
	e.tell(Finding{Hop: e.Host, Outcome: Healthy, What: "forwarding is allowed"})
}

package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// writable are the mode bits by which others can write.
const writable = 0o022

// setMode is the repair of a mode: it takes bits away, or sets all of them.
func setMode(path string, mode fs.FileMode) (fix string, repair func(context.Context) error) {
	return fmt.Sprintf("chmod %03o %s", mode, shellescape.Quote(path)), func(context.Context) error { return os.Chmod(path, mode) }
}

// configMode looks at the files whose owner and mode ssh looks at: those of
// ~/.ssh. One that -F names may be open (read_config_file_depth, readconf.c).
func (e *exam) configMode(check) {
	p := e.Config.Paths()
	if p.Explicit {
		return
	}
	for _, path := range e.Config.Files() {
		info, err := os.Stat(path)
		if err != nil || e.Config.System(path) || !posixModes || !e.Config.Insecure(info) {
			continue
		}
		if mode := info.Mode().Perm(); mode&writable != 0 {
			fix, repair := setMode(path, mode&^writable)
			e.wrong(fmt.Sprintf("others can write to %s: its mode is %04o", path, mode), fix, repair)
			continue
		}
		e.wrong(path+" belongs to another user", "sudo chown \"$(id -un)\" "+shellescape.Quote(path), nil)
	}
}

// lint has the findings of config.Check that touch the way to this host, or
// all.
func (e *exam) lint() []config.Finding {
	if e.linter != nil {
		return e.linter
	}
	e.linter = []config.Finding{}
	for _, f := range e.Config.Check(config.CheckEnv{}) {
		everybody := len(f.Hosts) == 0 && f.Severity == config.SeverityError
		ours := slices.ContainsFunc(e.chain, func(hop Hop) bool { return slices.Contains(f.Hosts, hop.Host.Name) })
		if e.Host == "" || everybody || ours {
			e.linter = append(e.linter, f)
		}
	}
	return e.linter
}

// Rules of config.Check about key files, which have rows of their own here.
const (
	ruleKeyMissing = "key-missing"
	ruleKeyOpen    = "key-open"
)

// told passes the linter's findings on that a row is for.
func (e *exam) told(mine func(config.Finding) bool) (any bool) {
	for _, f := range e.lint() {
		if mine(f) {
			any = true
			e.tell(Finding{Outcome: Wrong, What: f.Message + " (" + f.Origin.String() + ")", Why: f.Why, Fix: cmp.Or(f.Fix, "edit "+f.Origin.String())})
		}
	}
	return any
}

func (e *exam) configErrors(check) {
	wrong := e.told(func(f config.Finding) bool { return f.Severity == config.SeverityError && f.Rule != ruleKeyOpen })
	if !wrong {
		e.ok("the configuration is understood")
	}
}

// way tells why there is no chain, where the linter does not know.
func (e *exam) way(check) {
	if e.planned == nil {
		return
	}
	f := asFailure(e.planned, e.Host)
	e.tell(Finding{Hop: f.Hop, Outcome: Wrong, What: f.Message, Fix: f.Hint})
}

func (e *exam) configWarnings(check) {
	e.told(func(f config.Finding) bool { return f.Severity == config.SeverityWarning && f.Rule != ruleKeyMissing })
}

func (e *exam) keyMissing(check) {
	e.told(func(f config.Finding) bool { return f.Rule == ruleKeyMissing })
}

// clock knows no other clock yet: it finds one that a flat battery has reset.
func (e *exam) clock(check) {
	if now := time.Now(); now.Before(lastRelease) {
		e.wrong(fmt.Sprintf("the clock of this machine says %s", now.Format(time.DateTime)), "sudo timedatectl set-ntp true", nil)
	}
}

// lastRelease is a time that no right clock shows any more.
var lastRelease = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// paths are the key files that would be offered on the way, or those that
// were asked for.
func (e *exam) paths() []string {
	all := slices.Clone(e.Keys)
	for _, hop := range e.chain {
		files, _ := hop.Host.IdentityFiles()
		for _, path := range files {
			if !strings.EqualFold(path, "none") && !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	return all
}

// keyUnused looks for the key that a person has and that nothing names, where
// no other would be offered.
func (e *exam) keyUnused(check) {
	h := e.goal()
	if h == nil || e.offersAny(h) {
		return
	}
	all, err := keys.Find(filepath.Join(e.Config.Paths().Home, ".ssh"))
	if err != nil {
		return // there are none
	}
	for _, path := range all {
		facts, err := keys.Inspect(path)
		if err != nil || facts.Private == nil || facts.Private.Format == keys.FormatPuTTY {
			continue
		}
		fix, repair := e.name(path)
		e.wrong(fmt.Sprintf("the key %s is not offered: its name is not one that ssh looks for by itself", path), fix, repair)
		return
	}
}

// name is how the configuration comes to name a key for the host. A host
// without a block of its own has no place for that.
func (e *exam) name(path string) (fix string, repair func(context.Context) error) {
	host := shellescape.Quote(e.Host)
	change, err := e.Config.Edit(config.SetOption{Host: e.Host, Keyword: "IdentityFile", Value: path})
	if err != nil {
		return "ssh -i " + shellescape.Quote(path) + " " + host, nil
	}
	if e.Save != nil {
		repair = func(ctx context.Context) error { return e.Save(ctx, change) }
	}
	return fmt.Sprintf("sallyport host edit %s --set %s", host, shellescape.Quote("IdentityFile="+path)), repair
}

// offersAny tells whether a host has a key file, or an agent with keys.
func (e *exam) offersAny(h *config.Host) bool {
	files, _ := h.IdentityFiles()
	if slices.ContainsFunc(files, func(path string) bool { _, err := os.Stat(path); return err == nil }) {
		return true
	}
	held, err := e.held(h)
	return err == nil && len(held) > 0
}

// held are the keys in the agent of a host, or of this machine where that is
// nil; errNoAgent without one.
func (e *exam) held(h *config.Host) ([]*keys.Key, error) {
	socket := e.Env.Get("SSH_AUTH_SOCK")
	if h != nil {
		socket = agentSocket(h, e.Env)
	}
	if socket == "" {
		return nil, errNoAgent
	}
	a, err := keys.DialAgent(e.ctx, socket)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Keys()
}

var errNoAgent = errors.New("no agent is set up")

// hindering are the findings of keys.Inspect that keep a key from being used.
// The others are for who looks at all keys.
var hindering = []string{keys.RuleOpen, "not-private", "not-public", "public-mismatched", "dsa"}

func (e *exam) keyFiles(check) {
	sound := 0
	for _, path := range e.paths() {
		facts, err := keys.Inspect(path)
		switch {
		case err == nil && strings.HasSuffix(path, ".pub") && keys.IsPublic(path):
			if e.publicHalf(path) {
				sound++
			}
			continue
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			e.wrong(err.Error(), "ls -l "+shellescape.Quote(path), nil)
			continue
		}
		if e.keyFaults(path, facts) {
			e.unfit = append(e.unfit, path)
		} else {
			sound++
		}
	}
	if sound > 0 {
		e.ok(fmt.Sprintf("the key files are fit to be used: %d", sound))
	}
}

// publicHalf tells whether the key of a public half can sign, which only the
// private one in an agent can (ssh_config(5), IdentityFile).
func (e *exam) publicHalf(path string) (can bool) {
	key, err := keys.Load(e.ctx, path, nil)
	if err != nil {
		return false // it has gone since
	}
	if e.agentHas(key.Public) {
		return true
	}
	e.unfit = append(e.unfit, path)
	fix, repair := "ssh-add FILE for the private half", (func(context.Context) error)(nil)
	if private := strings.TrimSuffix(path, ".pub"); keys.CheckMode(private) == nil {
		fix, repair = e.name(private)
	}
	e.wrong(fmt.Sprintf("the key file %s: it is the public half of a key, and no agent has the private one", path), fix, repair)
	return false
}

// keyFaults tells what is wrong with one pair, and whether anything is.
func (e *exam) keyFaults(path string, facts *keys.Facts) (any bool) {
	for _, f := range facts.Findings {
		if e.Host != "" && !slices.Contains(hindering, f.Rule) || f.Rule == keys.RuleOrphan && e.agentHas(facts.Public) {
			continue
		}
		any = true
		var repair func(context.Context) error
		if f.Ours() {
			repair = func(context.Context) error { return f.Mend(path) }
		}
		e.wrong(fmt.Sprintf("the key file %s: %s", path, f.Message), f.Fix, repair)
	}
	if c := facts.Certificate; c != nil {
		any = e.certificate(path, c) || any
	}
	return any
}

// agentHas tells whether the private half of a key is in the agent of this
// machine, or of a hop that has one of its own (IdentityAgent).
func (e *exam) agentHas(public ssh.PublicKey) bool {
	held, _ := e.held(nil) // what is wrong with it has a row of its own
	for _, hop := range e.chain {
		more, _ := e.held(hop.Host)
		held = append(held, more...)
	}
	return slices.ContainsFunc(held, func(k *keys.Key) bool { return keys.Equal(keys.Plain(k.Public), keys.Plain(public)) })
}

// certificate tells of one that no server takes any more, or not yet.
func (e *exam) certificate(path string, c *keys.Certificate) bool {
	const day = "2006-01-02 15:04"
	ask := "ask who signed it for a new one"
	switch now := time.Now(); {
	case !c.Before.IsZero() && now.After(c.Before):
		e.wrong(fmt.Sprintf("the certificate of %s expired at %s", path, c.Before.Local().Format(day)), ask, nil)
	case !c.After.IsZero() && now.Before(c.After):
		e.wrong(fmt.Sprintf("the certificate of %s is good only from %s on", path, c.After.Local().Format(day)), "check the clock of this machine; "+ask, nil)
	default:
		return false
	}
	return true
}

// agent looks at the agent of the way. Where there are key files to offer, one
// that does not answer is no reason for a login to fail.
func (e *exam) agent(check) {
	held, err := e.held(e.goal())
	files := slices.ContainsFunc(e.paths(), func(path string) bool { _, err := os.Stat(path); return err == nil })
	switch {
	case err == errNoAgent:
	case err != nil && files && e.Host != "":
		e.note(err.Error())
	case err != nil:
		e.wrong(err.Error(), `eval "$(ssh-agent)" && ssh-add`, nil)
	case len(held) == 0:
		e.note("the agent holds no keys, or is locked")
	default:
		e.ok(fmt.Sprintf("the agent's keys: %d", len(held)))
	}
}

func (e *exam) homeMode(check) { e.directory(e.Config.Paths().Home, 0o755) }

func (e *exam) sshDir(check) { e.directory(filepath.Join(e.Config.Paths().Home, ".ssh"), 0o700) }

// directory looks at one that others must not write to and that we must be
// able to use: "chmod -R 600 ~/.ssh" locks its owner out. most is what others
// may keep of their rights once it is mended.
func (e *exam) directory(path string, most fs.FileMode) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() || !posixModes {
		return
	}
	mode := info.Mode().Perm()
	fix, repair := setMode(path, mode&most|0o700)
	switch {
	case mode&writable != 0:
		e.wrong(fmt.Sprintf("others can write to %s: its mode is %04o", path, mode), fix, repair)
	case mode&0o700 != 0o700:
		e.wrong(fmt.Sprintf("you cannot use %s yourself: its mode is %04o", path, mode), fix, repair)
	}
}

// controlPath looks at where ssh would make its socket. How long that may be,
// the linter knows.
func (e *exam) controlPath(check) {
	if e.Host == "" || e.planned != nil {
		return
	}
	h, err := e.Config.Resolve(e.Host, config.Match{})
	path := ""
	if err == nil {
		path = given(h, "ControlPath")
	}
	dir := filepath.Dir(path)
	if path == "" || !filepath.IsAbs(path) || h.Get("ControlMaster") == "false" || h.Get("ControlMaster") == "no" {
		return
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		e.wrong(fmt.Sprintf("there is no directory %s for the control socket (%s)", dir, whereSet(h, "ControlPath")),
			"mkdir -m 700 "+shellescape.Quote(dir), func(context.Context) error { return os.Mkdir(dir, 0o700) })
	}
}

// leastRoom is what known_hosts and a configuration need to be replaced.
const leastRoom = 1 << 20

func (e *exam) disk(check) {
	home := e.Config.Paths().Home
	if room, known := roomLeft(home); known && room < leastRoom {
		e.wrong(fmt.Sprintf("the disk of %s is full: %d KiB are left", home, room>>10), "du -xh "+shellescape.Quote(home)+" | sort -h | tail", nil)
	}
}

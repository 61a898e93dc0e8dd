package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// The phases of one hop's dial, in their order.
const (
	reaching = iota
	exchanging
	trusting
	authenticating
	loggedIn
)

// early are the steps in which no byte of the handshake has been seen, or is
// told: an ssh that makes the connection keeps its steps to itself.
var early = []string{"", stepTCP, stepChannel, stepCommand, stepLent, stepShared}

// phaseOf is the phase that a step of a link belongs to. All but a few of the
// steps are attempts to log in.
func phaseOf(s LinkStatus) int {
	switch {
	case s.State == Up:
		return loggedIn
	case s.State != Connecting && s.State != Asking, slices.Contains(early, s.Step), strings.HasPrefix(s.Step, "waiting for "):
		return reaching
	case s.Step == stepExchange:
		return exchanging
	case s.Step == stepHostKey:
		return trusting
	}
	return authenticating
}

// stage is a part of a hop's dial that can go wrong: a check whose run is the
// dial itself.
type stage struct {
	check
	end  int                                        // the phase that shows that all went well
	said func(p *progress, id string, h Hop) string // what did; nil for nothing to say
}

// lastStage ends a dial.
const lastStage = "login"

// stages are those of each hop. The last is explained by whatever keeps a key
// of ours from being offered.
func stages() []stage {
	return []stage{
		{check: check{name: "options", advice: "the configuration asks for what cannot be done"}, end: exchanging},
		{check: check{name: "name", advice: "without an address nothing can be dialled"}, end: exchanging},
		{check: check{name: "route", advice: "the network between here and there lets nothing through, so no login can help"}, end: exchanging},
		{check: check{name: "port", advice: "a machine is there, and no server listens at this port"}, end: exchanging, said: saidReached},
		{check: check{name: "jump", advice: "the hop before is logged in, and does not lead on to this one"}, end: exchanging},
		{check: check{name: "proxycommand", advice: "the command that should lead to the host does not"}, end: trusting},
		{check: check{name: "banner", advice: "what answers there is not an SSH server that takes logins now"}, end: trusting},
		{check: check{name: "kex", advice: "both sides have to agree on how to encrypt before anything is said"}, end: trusting, said: saidExchanged},
		{check: check{name: "hostkey", advice: "until its key is trusted, the server may be anybody, and gets no password"}, end: authenticating, said: saidTrusted},
		{check: check{name: lastStage, after: []string{"clock", "key-missing", "key-unused", "key-file", "agent"}, advice: "the server is reached and is the right one, and does not let you in"},
			end: loggedIn, said: saidLoggedIn},
	}
}

// dialHops connects, unless the way was not understood, and tells of each hop
// how its dial goes, stage by stage.
func (e *exam) dialHops(check) {
	if e.Host == "" || e.planned != nil {
		return
	}
	link := e.links.Get(e.chain, e.Env)
	e.links.wg.Go(func() { // ends with ctx, or with the dial
		e.progress.finish(link.Conn(e.ctx))
	})
	for i, hop := range e.chain {
		id := e.chain[:i+1].ID()
		for _, s := range stages() {
			e.row = s.check
			if !e.stage(s, id, hop) {
				return // the hops behind it were not dialled
			}
		}
	}
	e.conn, _ = e.progress.result(e.ctx)
}

// stage tells whether the dial went on after it.
func (e *exam) stage(s stage, id string, hop Hop) bool {
	if e.progress.await(e.ctx, id, s.end) {
		if s.name == lastStage {
			e.refusedKeys(id, hop)
		}
		if s.said != nil {
			e.tell(Finding{Hop: hop.Host.Name, Outcome: Healthy, What: s.said(e.progress, id, hop)})
		}
		return true
	}
	_, f := e.progress.result(e.ctx)
	if f != nil && e.Refused != nil && (f.Code == CodeAuth || strings.HasPrefix(f.Code, "hostkey-")) {
		e.Refused()
	}
	switch {
	case f == nil:
		return false // nobody waits any more
	case stageOf(f, e.progress.phase(id)) != s.name && s.name != lastStage:
		return true // a ProxyCommand may die after its own stage: nothing is left untold
	case !e.explained(s.check) || s.name == lastStage && e.soundKeyRefused(id):
		e.tell(Finding{Hop: hop.Host.Name, Outcome: Wrong, What: f.Message, Fix: f.Hint, repair: e.repairOf(f, hop)})
	}
	return false
}

// soundKeyRefused tells whether the server has refused a key with which nothing
// is wrong here: then what is wrong with others is not the reason.
func (e *exam) soundKeyRefused(id string) bool {
	return slices.ContainsFunc(e.progress.refused(id), func(key string) bool {
		return !slices.ContainsFunc(e.unfit, func(path string) bool { return strings.HasPrefix(key, path+" ") })
	})
}

// stageOf is the stage that a failure belongs to; phase is how far the hop
// had come.
func stageOf(f *Failure, phase int) string {
	var (
		name    *net.DNSError
		family  *net.AddrError
		channel *ssh.OpenChannelError
	)
	switch {
	case errors.As(f.Cause, &name), errors.As(f.Cause, &family):
		return "name"
	case errors.As(f.Cause, &channel):
		return "jump"
	case errors.Is(f.Cause, syscall.ECONNREFUSED):
		return "port"
	case strings.HasPrefix(f.Code, "hostkey-"):
		return "hostkey"
	}
	if named, ok := codeStages[f.Code]; ok {
		return named
	}
	return [...]string{reaching: "route", exchanging: "banner", trusting: "hostkey", authenticating: lastStage, loggedIn: lastStage}[phase]
}

// codeStages are the codes that tell the stage by themselves.
var codeStages = map[string]string{
	CodeConfig:       "options",
	CodeProxyCommand: "proxycommand",
	CodeNotSSH:       "banner",
	CodeAlgorithms:   "kex",
	CodeProhibited:   "jump",
	CodeAuth:         lastStage,
	CodeOpenSSH:      lastStage,
}

// repairOf is what can be done here about a failure, nil for nothing.
func (e *exam) repairOf(f *Failure, hop Hop) func(context.Context) error {
	if f.Code != "hostkey-changed" {
		return nil
	}
	return func(ctx context.Context) error {
		trust, err := newHostKeys(ctx, hop.Host, e.Env, nil, nil)
		if err != nil {
			return err
		}
		return trust.forget()
	}
}

// forget takes the plain lines of this host out of the user's files, as
// "ssh-keygen -R" does, which leaves lines with patterns alone.
func (k *hostKeys) forget() error {
	if i := slices.IndexFunc(k.known, knownHost.wild); i >= 0 {
		return fmt.Errorf("%s is about other hosts too: edit it by hand", k.known[i])
	}
	for _, file := range k.files {
		if err := replaceKnownHosts(file, []string{k.name}, nil, false); err != nil {
			return fmt.Errorf("forgetting %q in %q: %w", k.name, file, err)
		}
	}
	return nil
}

// refusedKeys tells which keys the server did not take before it let us in.
func (e *exam) refusedKeys(id string, hop Hop) {
	for _, key := range e.progress.refused(id) {
		e.tell(Finding{Hop: hop.Host.Name, Outcome: Noted, What: "the server does not accept the key " + key})
	}
}

func saidReached(_ *progress, _ string, hop Hop) string {
	if hop.Command != "" {
		return "the ProxyCommand leads somewhere"
	}
	return fmt.Sprintf("%s port %d answers", hop.Host.HostName(), hop.Host.Port())
}

func saidExchanged(*progress, string, Hop) string { return "both sides agree on the algorithms" }

func saidTrusted(p *progress, id string, _ Hop) string {
	said := p.lines(id, "Host '", "Server host key: ")
	if len(said) == 0 {
		return "the host key is trusted"
	}
	return said[len(said)-1]
}

func saidLoggedIn(p *progress, id string, hop Hop) string {
	if said := p.lines(id, "Authenticated to "); len(said) > 0 {
		return said[0]
	}
	return fmt.Sprintf("logged in as %q", hop.Host.User())
}

// progress is how far a dial has come, as its links tell it.
type progress struct {
	listener func(Trace)

	mu      sync.Mutex     // guards all below
	at      map[string]int // by LinkStatus.ID
	said    []Trace
	change  chan struct{} // closed at the next change
	ended   bool
	conn    *Conn
	failure *Failure
}

func newProgress(listener func(Trace)) *progress {
	return &progress{listener: listener, at: map[string]int{}, change: make(chan struct{})}
}

// moved wakes who awaits something; mu is held.
func (p *progress) moved() {
	close(p.change)
	p.change = make(chan struct{})
}

// see implements Options.Notify.
func (p *progress) see(s LinkStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[s.ID] = max(p.at[s.ID], phaseOf(s))
	p.moved()
}

// trace implements Options.Trace.
func (p *progress) trace(t Trace) {
	p.mu.Lock()
	p.said = append(p.said, t)
	p.mu.Unlock()
	if p.listener != nil {
		p.listener(t)
	}
}

// finish takes the result of the dial.
func (p *progress) finish(conn *Conn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn, p.ended = conn, true
	if err != nil {
		p.failure = asFailure(err, "")
	}
	p.moved()
}

// await waits until a link has come to a phase, and tells whether it has.
func (p *progress) await(ctx context.Context, id string, phase int) bool {
	for {
		p.mu.Lock()
		at, ended, change := p.at[id], p.ended, p.change
		p.mu.Unlock()
		if at >= phase || ended || ctx.Err() != nil {
			return at >= phase
		}
		select {
		case <-change:
		case <-ctx.Done():
		}
	}
}

// result waits for the end of the dial. Neither is the end of ctx.
func (p *progress) result(ctx context.Context) (*Conn, *Failure) {
	for {
		p.mu.Lock()
		conn, failure, ended, change := p.conn, p.failure, p.ended, p.change
		p.mu.Unlock()
		if ended || ctx.Err() != nil {
			return conn, failure
		}
		select {
		case <-change:
		case <-ctx.Done():
		}
	}
}

func (p *progress) phase(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[id]
}

// lines are what a link has traced that begins in one of these ways.
func (p *progress) lines(id string, beginnings ...string) (said []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.said {
		begins := func(beginning string) bool { return strings.HasPrefix(t.Message, beginning) }
		if t.Link == id && slices.ContainsFunc(beginnings, begins) {
			said = append(said, t.Message)
		}
	}
	return said
}

// The lines of an offered key and of its acceptance, as sshconnect2.c has them.
const (
	offeredLine  = "Offering public key: "
	acceptedLine = "Server accepts key: "
)

// refused are the keys that a server was offered and did not accept.
func (p *progress) refused(id string) (refused []string) {
	accepted := p.lines(id, acceptedLine)
	for _, line := range p.lines(id, offeredLine) {
		key := strings.TrimPrefix(line, offeredLine)
		if !slices.Contains(accepted, acceptedLine+key) {
			refused = append(refused, key)
		}
	}
	return refused
}

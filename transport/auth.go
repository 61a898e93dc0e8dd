package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
)

// auth logs in on one connection, with the methods and in the order of ssh:
// userauth and authmethod_get (sshconnect2.c). x/crypto/ssh asks for one
// attempt after the other (next), in the goroutine of the handshake, which
// alone touches all this until it has ended with an error for explain; readKeys
// is waited for before the first.
type auth struct {
	ctx  context.Context // ends with the connection, so that no question outlives it
	host *config.Host
	env  Env
	ask  askFunc
	step func(string)
	told tracer
	lost func() error // why the connection is over, nil while it may not be

	answered func()                         // is called at each answer; nil for nobody who waits
	cut      func()                         // closes the connection
	proof    func() (key, signature []byte) // of the host; nil for none

	// The methods: which the server accepts, which of ours are left since
	// that list last changed, and which are used up.
	accepted []string
	left     []string
	current  string
	spent    map[string]bool

	partial []string // the methods that succeeded without being enough
	stop    error    // what ends the login before the next attempt
	tried   []*trial
	last    int // how many of them were made when the connection was lost; 0 while it is not
	spoken  int // how many of them were made when the server last had something shown

	about ssh.ConnMetadata // the connection, from the first attempt on

	reading    sync.Once        // of held, identities and unused, by readKeys
	held       []*keys.Key      // by the agent
	bound      bool             // the agent was told which host this is, or was not to be
	identities []*identity      // that may be offered
	passwords  int              // attempts
	rounds     int              // attempts of keyboard-interactive
	asked      bool             // whether the server ever asked in one
	questions  int              // of keyboard-interactive, with those that have no prompt
	banners    int              // bytes of all, see bannersMost
	unshown    []string         // words of rounds without a prompt, for the next question
	kerberos   *securityContext // nil until gssapi-with-mic begins
	unused     []problem        // what kept keys from being offered
	notices    []string         // what a person should hear of keys, though the login succeeds
	why        map[string]error // why a method made no attempt

	// The secrets: those that the link keeps, those of other hops of the
	// chain, and those of this login that are to be kept once it succeeds.
	// fresh are the passphrases that may still be wrong.
	kept, chain    *wallet
	pending, fresh wallet
	recalled       map[claim]bool // was answered from kept or chain
	asks           map[claim]int  // how often a person was asked for a passphrase

	// mu guards agent: close comes from another goroutine.
	mu    sync.Mutex
	agent *keys.Agent
}

// trial is one request to the server.
type trial struct {
	method  string
	what    string // of publickey: which key
	key     *identity
	signed  bool          // of publickey: the server accepted the key and wants a signature
	took    time.Duration // of signed: the signature
	asked   bool          // a person, or the link for one, gave what it was made with
	refused bool          // of password: the server said so
	kept    bool          // it was made with a secret that had been kept
	cut     bool          // the connection ended instead of an answer
	err     error         // what happened on this side
	partial bool          // it succeeded, but the server wants more
}

// unsent tells that the server waits for a signature that was not made, so that
// there is no answer to the attempt.
func (t *trial) unsent() bool { return t.signed && t.err != nil }

// errRefused is the end of all methods.
var errRefused = errors.New("no authentication method is left")

// newAuth prepares a login. ctx ends the questions: it should end with the
// connection.
func newAuth(ctx context.Context, h *config.Host, env Env, ask askFunc, step func(string)) *auth {
	return &auth{
		ctx: ctx, host: h, env: env, ask: ask, step: step,
		spent: map[string]bool{}, why: map[string]error{}, recalled: map[claim]bool{}, asks: map[claim]int{},
	}
}

// close ends the connection to the agent and wipes what was not kept.
func (a *auth) close() {
	a.pending.wipe()
	a.fresh.wipe()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.agent != nil {
		a.agent.Close() // nothing is written to it that could be lost
	}
}

// next is the ssh.ClientAuthCallback: the next attempt, or the error that ends
// the login. Neither is the end of all methods: x/crypto/ssh then tells what
// went wrong in the last attempt.
func (a *auth) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if a.answered != nil {
		a.answered()
	}
	a.about = c.Metadata
	if a.last == 0 && a.lost != nil && a.lost() != nil {
		a.last = len(a.tried)
	}
	a.readKeys()
	a.settle(c)
	if a.stop == nil {
		a.stop = context.Cause(a.ctx)
	}
	if a.stop == nil && a.unanswered() {
		a.stop = errRefused
		return nil, nil
	}
	for a.stop == nil {
		name := a.choose()
		if name == "" {
			a.told.say(1, "No more authentication methods to try.")
			a.stop = errRefused
			return nil, nil
		}
		if method := a.methods()[name].attempt(); method != nil {
			return method, nil
		}
		a.spent[name] = true
	}
	return nil, a.stop
}

// settle takes in the server's answer to the last attempt.
func (a *auth) settle(c *ssh.ClientAuthContext) {
	if len(c.PartialSuccessMethods) > len(a.partial) {
		a.partial = slices.Clone(c.PartialSuccessMethods)
		if n := len(a.tried); n > 0 {
			a.tried[n-1].partial = true
			a.told.say(1, "Authenticated using %q with partial success.", a.tried[n-1].method)
		}
		// All keys may be tried again for the next factor: pubkey_reset.
		for _, id := range a.identities {
			id.tried = false
		}
	}
	allowed := c.AllowedMethods[:min(len(c.AllowedMethods), methodsMost)]
	if n := len(a.tried); n == 0 || !a.tried[n-1].unsent() {
		a.told.say(1, "Authentications that can continue: %s", strings.Join(allowed, ","))
	}
	// A new list starts again with the most preferred method: authmethod_get.
	if a.left == nil || !slices.Equal(a.accepted, allowed) {
		a.accepted, a.left, a.current = slices.Clone(allowed), a.preferred(), ""
	}
}

// choose is the method to use now: the current one until it is used up, then
// the next one that the server accepts.
func (a *auth) choose() string {
	if a.current != "" && a.enabled(a.current) == nil {
		return a.current
	}
	a.current = ""
	for len(a.left) > 0 && a.current == "" {
		name := a.left[0]
		a.left = a.left[1:]
		if slices.Contains(a.accepted, name) && a.enabled(name) == nil {
			a.current = name
			a.told.say(1, "Next authentication method: %s", name)
		}
	}
	return a.current
}

// defaultMethods are those of readconf.c and sshconnect2.c.
const defaultMethods = "gssapi-with-mic,hostbased,publickey,keyboard-interactive,password"

func (a *auth) preferred() []string {
	if names := list(a.host, "PreferredAuthentications"); len(names) > 0 {
		return names
	}
	return strings.Split(defaultMethods, ",")
}

// method is a way to log in.
type method struct {
	keyword string // the switch of ssh_config(5)
	person  bool   // needs somebody to ask
	attempt func() ssh.AuthMethod
}

func (a *auth) methods() map[string]method {
	return map[string]method{
		"gssapi-with-mic":      {keyword: "GSSAPIAuthentication", attempt: a.gssapi},
		"publickey":            {keyword: "PubkeyAuthentication", attempt: a.publickey},
		"keyboard-interactive": {keyword: "KbdInteractiveAuthentication", person: true, attempt: a.interactive},
		"password":             {keyword: "PasswordAuthentication", person: true, attempt: a.password},
	}
}

// enabled tells why a method may not be used.
func (a *auth) enabled(name string) error {
	m, known := a.methods()[name]
	switch {
	case name == "hostbased" && yes(a.host, "HostbasedAuthentication"):
		return errHostbased
	case name == "hostbased":
		return errors.New("HostbasedAuthentication is no")
	case !known:
		return errors.New("not supported here")
	case switchedOff(a.host, m.keyword):
		return errors.New(m.keyword + " is no")
	case m.person && yes(a.host, "BatchMode"):
		return errors.New("BatchMode forbids asking")
	case a.spent[name]:
		return errors.New("used up")
	}
	return nil
}

// errHostbased: the key is readable to ssh-keysign alone, which signs only
// for a connection that ssh itself has made (ssh-keysign.c).
var errHostbased = errors.New("only ssh itself can use this machine's host key")

// without notes why a method makes no attempt.
func (a *auth) without(method string, err error) {
	a.why[method] = err
	a.told.say(1, "%s: %v", method, err)
}

// succeeded tells that the login is done, at place.
func (a *auth) succeeded(place string) {
	method := "none" // RFC 4252 section 5.2
	if n := len(a.tried); n > 0 {
		method = a.tried[n-1].method
	}
	a.told.say(1, "Authenticated to %s (%s) using %q.", a.host.HostName(), place, method)
}

// switchedOff: PubkeyAuthentication also has values that are neither.
func switchedOff(h *config.Host, keyword string) bool {
	switch strings.ToLower(h.Get(keyword)) {
	case "no", "false":
		return true
	}
	return false
}

// begin notes an attempt and says so.
func (a *auth) begin(t *trial) *trial {
	a.tried = append(a.tried, t)
	a.step(strings.TrimSpace(t.method + " " + t.what))
	return t
}

// put asks the person. An answer that does not come ends the login: the next
// attempt is not made. Where there is nobody the login goes on without.
func (a *auth) put(q Question) (Answer, error) {
	if a.lost != nil && a.lost() != nil {
		a.stop = a.lost() // x/crypto/ssh took it for a refusal; nobody is asked in vain
		return Answer{}, a.stop
	}
	q.MayKeep = mayKeep(q)
	answer, err := a.ask(a.ctx, q)
	if err == nil && a.lost != nil && a.lost() != nil {
		answer.Wipe()
		a.stop = a.tooLate(q)
		return Answer{}, a.stop
	}
	if err == nil && len(answer.Texts) != len(q.Prompts) {
		answer.Wipe()
		err = fmt.Errorf("%d answers came for %d prompts", len(answer.Texts), len(q.Prompts))
	}
	c := claimOf(q)
	a.pending.drop(c)
	if err == nil && answer.Keep && q.MayKeep {
		a.pending.put(c, answer.Texts[0], true)
	}
	if err == ErrNobody {
		a.spent[methodThatAsks[q.Kind]] = true
		return Answer{}, err
	}
	if err != nil {
		a.stop = err
		if errors.Is(err, ErrCancelled) {
			a.stop = &Failure{Code: CodeCancelled, Message: config.Printable(fmt.Sprintf("the login to %q was given up: %s was not answered", a.host.Name, subject(q)))}
		}
		return Answer{}, a.stop
	}
	return answer, nil
}

// methodThatAsks is the method that cannot go on without an answer; a key that
// cannot be unlocked is only one key less.
var methodThatAsks = map[Kind]string{AskPassword: "password", AskInteractive: "keyboard-interactive"}

func subject(q Question) string {
	switch q.Kind {
	case AskPIN:
		return "the question for the PIN of " + q.File
	case AskPassphrase:
		return "the question for the passphrase of " + q.File
	case AskPassword:
		return "the question for the password"
	case AskHostKey:
		return "the question about the host key"
	}
	return "the server's question"
}

// login is user@host as the person knows it.
func (a *auth) login() string { return a.host.User() + "@" + a.host.Name }

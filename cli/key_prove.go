package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
	"sallyport/transport"
)

// alone are the options of a login by nothing but one key, on a connection of
// its own. IdentityFile is not among them: the configuration adds to it.
var alone = []string{
	"ControlMaster=no", "ControlPath=none", "IdentitiesOnly=yes", "AddKeysToAgent=no", "PubkeyAuthentication=yes",
	"PreferredAuthentications=publickey", "PasswordAuthentication=no", "KbdInteractiveAuthentication=no",
	"HostbasedAuthentication=no", "GSSAPIAuthentication=no", "PKCS11Provider=none", "ClearAllForwardings=yes",
}

// prove logs in anew with a key alone. Whatever comes of it but a proof has
// its reason; "refused" is the server's own word.
func (on *account) prove(ctx context.Context, key *keys.Key) (login string, err error) {
	chain, err := on.wayFor(ctx, key)
	if err != nil {
		return api.LoginUnproved, err
	}
	asker := on.person.asker()
	heard := &proof{link: chain.ID()}
	touch := new(touches)
	links := transport.NewLinks(transport.Options{Asker: asker, Notify: touch.see, Trace: heard.hear})
	defer links.Close()
	conn, err := links.Get(chain, os.Environ()).Conn(ctx)
	taken, partial := heard.said()
	f := (*transport.Failure)(nil)
	switch {
	case err == nil && conn.Kind() == transport.Lent:
		return api.LoginUnproved, on.unproved("only the ssh that is installed can reach the host, and it may use other keys")
	case err == nil && strings.Contains(taken, keys.Fingerprint(key.Public)) && !strings.Contains(taken, "-CERT "):
		return api.LoginProved, nil
	case err == nil:
		return api.LoginRefused, on.unproved("the host lets you in without the key")
	case partial:
		return api.LoginPartial, nil
	case asker.unasked() != nil:
		return api.LoginUnproved, asker.unasked()
	case errors.As(err, &f) && f.Code == transport.CodeAuth && taken == "" && f.Hop == api.Printable(on.target.Host):
		return api.LoginRefused, err
	}
	return api.LoginUnproved, err
}

func (on *account) unproved(why string) error {
	return &api.Error{
		Code:    "unproved",
		Message: fmt.Sprintf("whether the key logs in on %q alone is not known: %s", on.name, why),
	}
}

// wayFor is the chain to the account, of which the last hop is offered the key
// alone. The hops before it are not logged in to again: the background process
// lends its connection to the last of them.
func (on *account) wayFor(ctx context.Context, key *keys.Key) (transport.Chain, error) {
	p, err := on.paths()
	if err != nil {
		return nil, err
	}
	cfg := config.Load(p)
	chain, err := transport.Plan(cfg, on.target.Host, config.Match{User: on.target.User, Options: alone, Execute: true})
	if err != nil {
		return nil, err
	}
	last := &chain[len(chain)-1]
	last.Host = last.Host.WithIdentity(key.Path)
	if len(chain) == 1 {
		return chain, nil
	}
	jumps := chain[:len(chain)-1]
	served, err := on.client.Share(ctx, jumps.ID())
	if err != nil {
		return chain, nil // the jumps are logged in to once more
	}
	jump := jumps[len(jumps)-1]
	jump.Host, err = cfg.Resolve(jump.Host.Name, config.Match{
		User: jump.Host.User(), Port: strconv.Itoa(jump.Host.Port()),
		Options: []string{"ControlMaster=no", "ControlPath=" + config.Quote(strings.ReplaceAll(served.Path, "%", "%%"))}, Execute: true,
	})
	return transport.Chain{jump, *last}, err
}

// proof hears what a login says of its keys.
type proof struct {
	link string // of the last hop

	mu      sync.Mutex // guards what follows
	taken   string     // the last key that the server has accepted, as it was told
	partial bool
}

func (p *proof) hear(t transport.Trace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.Link != p.link {
		return
	}
	if key, ok := strings.CutPrefix(t.Message, "Server accepts key: "); ok {
		p.taken = key
	}
	p.partial = p.partial || strings.Contains(t.Message, "with partial success")
}

func (p *proof) said() (taken string, partial bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken, p.partial
}

// terminalProof asks what a login in this process has to ask, in our words.
type terminalProof struct {
	floor floor

	mu  sync.Mutex // guards err
	err error      // why a question could not be asked
}

// Ask implements transport.Asker.
func (a *terminalProof) Ask(ctx context.Context, q transport.Question) (transport.Answer, error) {
	give, err := a.floor.take(ctx)
	if err != nil {
		return transport.Answer{}, err
	}
	defer give()
	answer, err := prompt(ctx, q, ourWords)
	if err == nil {
		return answer, nil
	}
	a.mu.Lock()
	a.err = fmt.Errorf("%s: %w", asks(q), err)
	a.mu.Unlock()
	return answer, transport.ErrCancelled
}

func (a *terminalProof) unasked() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

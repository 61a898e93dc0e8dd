package api

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sallyport/config"
	"sallyport/keys"
)

// KeyPair is a key pair and who has to do with it.
type KeyPair struct {
	*keys.Facts
	InAgent bool     `json:"in_agent"`
	Hosts   []string `json:"hosts"` // that would offer it, in the order of the configuration
}

// Line is the public half as authorized_keys has it, with its comment; "" where
// it is not known.
func (k *KeyPair) Line() string {
	if k.Public == nil {
		return ""
	}
	return keys.AuthorizedLine(k.Public, k.Comment)
}

// Art is the picture of the key, lines separated by \n; "" where the public half
// is not known.
func (k *KeyPair) Art() string {
	if k.Public == nil {
		return ""
	}
	return keys.Randomart(keys.Plain(k.Public))
}

// Keyring is all that there is of keys.
type Keyring struct {
	Pairs    []*KeyPair // in the order of their paths, then what only the agent has
	Problems []error    // files and an agent that could not be looked at
	agent    string     // what it has said
}

// Keys looks at each key pair in ~/.ssh, each that the configuration names, and
// what the agent at a socket, "" for none, holds. It asks for no passphrase and
// changes nothing.
func (v *Inventory) Keys(ctx context.Context, socket string) (*Keyring, error) {
	paths, err := v.keyPaths()
	if err != nil {
		return nil, err
	}
	ring := &Keyring{Pairs: []*KeyPair{}}
	for _, path := range paths {
		facts, err := keys.Inspect(path)
		switch {
		case err == nil:
			ring.Pairs = append(ring.Pairs, &KeyPair{Facts: facts, Hosts: append([]string{}, v.keyUses()[path]...)})
		case !errors.Is(err, fs.ErrNotExist):
			ring.Problems = append(ring.Problems, err)
		}
	}
	held, err := AgentKeys(ctx, socket)
	if err != nil {
		ring.Problems = append(ring.Problems, err)
	}
	ring.agent = said(held, err)
	ring.add(held)
	return ring, nil
}

// keyPaths are the paths of all private halves, whether they are there or not.
func (v *Inventory) keyPaths() ([]string, error) {
	paths, err := keys.Find(v.sshFolder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for path := range v.keyUses() {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func (v *Inventory) sshFolder() string { return filepath.Join(v.cfg.Paths().Home, ".ssh") }

// keyUses is KeyUses, found out once.
func (v *Inventory) keyUses() map[string][]string {
	v.using.Do(func() { v.uses = KeyUses(v.cfg) })
	return v.uses
}

// KeyUses are the hosts of the configuration that would offer each key file. A
// certificate is told with its key.
func KeyUses(c *config.Config) map[string][]string {
	uses := map[string][]string{}
	for _, name := range c.Names() {
		// What ssh refuses about a host is for "config check" to say.
		h, _ := c.Resolve(name, config.Match{})
		files, _ := h.IdentityFiles()
		for _, f := range h.CertificateFiles() {
			files = append(files, strings.TrimSuffix(f, "-cert.pub"))
		}
		for _, f := range files {
			path := filepath.Clean(strings.TrimSuffix(f, ".pub"))
			if !slices.Contains(uses[path], name) {
				uses[path] = append(uses[path], name)
			}
		}
	}
	return uses
}

// AgentKeys are those that the agent at a socket holds, none at the socket "".
func AgentKeys(ctx context.Context, socket string) ([]*keys.Key, error) {
	if socket == "" {
		return nil, nil
	}
	ctx, cancel := inTime(ctx, answerLimit)
	defer cancel()
	agent, err := keys.DialAgent(ctx, socket)
	if err != nil {
		return nil, err
	}
	defer agent.Close()
	return agent.Keys()
}

// said is what an agent has answered, to be compared.
func said(held []*keys.Key, err error) string {
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, k := range held {
		b.Write(k.Public.Marshal())
		b.WriteString(k.Comment)
	}
	return b.String()
}

// add marks the pairs that the agent holds, and adds what only it has.
func (r *Keyring) add(held []*keys.Key) {
	for _, k := range held {
		known := false
		for _, pair := range r.Pairs {
			if pair.Public != nil && keys.Equal(keys.Plain(pair.Public), keys.Plain(k.Public)) {
				pair.InAgent, known = true, true
				pair.Findings = slices.DeleteFunc(pair.Findings, func(f keys.Finding) bool { return f.Rule == keys.RuleOrphan })
			}
		}
		if !known {
			r.Pairs = append(r.Pairs, &KeyPair{Facts: keys.Of(k), InAgent: true, Hosts: []string{}})
		}
	}
}

// agentEvery is how often an agent is asked what it holds: it tells of no
// change.
const agentEvery = 2 * time.Second

// FollowKeys calls f with what Keys finds, and again whenever that has changed,
// until ctx ends.
func (v *Inventory) FollowKeys(ctx context.Context, socket string, f func(*Keyring, error)) {
	for ctx.Err() == nil {
		before := v.keyStamps()
		ring, err := v.Keys(ctx, socket)
		if ctx.Err() != nil {
			return
		}
		f(ring, err)
		if ring == nil {
			ring = &Keyring{}
		}
		ring.wait(ctx, socket, before)
	}
}

// keyStamps are those of all files that Keys reads, and of their folder.
func (v *Inventory) keyStamps() stamps {
	paths, _ := v.keyPaths() // a folder that cannot be read is one that may change
	before := stamps{v.sshFolder(): stampOf(v.sshFolder())}
	for _, path := range paths {
		for _, end := range []string{"", ".pub", "-cert.pub"} {
			before[path+end] = stampOf(path + end)
		}
	}
	return before
}

// wait returns when the files or the agent's keys are not as they were, or ctx
// ends.
func (r *Keyring) wait(ctx context.Context, socket string, before stamps) {
	w := newWatcher()
	defer w.close()
	agent := time.NewTicker(agentEvery)
	defer agent.Stop()
	if socket == "" {
		agent.Stop()
	}
	for !before.await(ctx, w, agent.C) {
		if ctx.Err() != nil || said(AgentKeys(ctx, socket)) != r.agent {
			return
		}
	}
	_ = before.rest(ctx, w) // the caller looks at ctx
}

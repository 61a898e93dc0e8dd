package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/api"
	"sallyport/keys"
)

// account is one on a host, whose keys are looked at and changed over the
// connection of the background process.
type account struct {
	*app
	client *api.Client
	target api.Target
	name   string // as it was asked for, printable
	person person
}

func (a *app) accountOn(dest string, p person) (*account, error) {
	user, host := splitUser(dest)
	c, target, err := a.clientFor(host)
	target.User = user
	return &account{a, c, target, api.Printable(dest), p}, err
}

// look runs a script there, and gives what it writes.
func (on *account) look(ctx context.Context, script string) ([]byte, error) {
	return look(ctx, on.client, on.target, script, on.person.ready)
}

// state is what the account lets in now.
func (on *account) state(ctx context.Context) (keys.Account, error) {
	out, err := on.look(ctx, keys.AccountScript)
	if now, ok := keys.ParseAccount(out); ok {
		return now, on.hasHome(now)
	}
	return keys.Account{}, on.noShell(out, err)
}

func (on *account) hasHome(now keys.Account) error {
	if now.Home.Mode != "" {
		return nil
	}
	return &api.Error{
		Code:    api.CodeNotFound,
		Message: fmt.Sprintf("the account on %q has no home directory there", on.name),
		Hints:   []string{"it is made at the first login on some sites: sallyport " + on.name},
	}
}

// change changes the account's keys.
func (on *account) change(ctx context.Context, was keys.Account, c keys.Change) error {
	out, err := on.look(ctx, c.Script(was))
	refused, ok := keys.ParseChange(out)
	switch {
	case !ok:
		return on.noShell(out, err)
	case refused != nil:
		return &api.Error{
			Code:    "refused",
			Message: api.Printable(fmt.Sprintf("on %q, %v; nothing was changed there", on.name, refused)),
			Hints:   []string{"sallyport " + on.name + " 'ls -ld ~ ~/.ssh ~/.ssh/authorized_keys; df ~'"},
		}
	}
	return nil
}

// mostSaid is how much is told of what a command wrote, in bytes.
const mostSaid = 200

// noShell says why the account's keys were not looked at or changed.
func (on *account) noShell(out []byte, err error) error {
	return on.notRead(out, err, "its keys can't be changed from here",
		"ask who runs the host to add the key, or paste it on the page of your account there: sallyport key line -i FILE")
}

// notRead says that something else than a shell has read a script, unless the
// connection is to blame. What it said is the best explanation.
func (on *account) notRead(out []byte, err error, so, hint string) error {
	e := (*api.Error)(nil)
	if err != nil && (!errors.As(err, &e) || e.Code != api.CodeInternal) {
		return err
	}
	said := strings.Join(strings.Fields(string(out)), " ")
	if said == "" && e != nil {
		_, said, _ = strings.Cut(e.Message, ": ")
	}
	if said != "" {
		said = fmt.Sprintf(": it says %q", api.Printable(said[:min(len(said), mostSaid)]))
	}
	return &api.Error{
		Code:    "no-shell",
		Message: fmt.Sprintf("the account on %q runs a command of its own in place of a shell, so %s%s", on.name, so, said),
		Hints:   []string{hint},
	}
}

// publicKey reads the public half of a key by the path of either half, or says
// in which of the usual ways it went wrong.
func publicKey(ctx context.Context, path string) (*keys.Key, error) {
	key, err := keys.Load(ctx, strings.TrimSuffix(path, ".pub"), nil)
	if err == nil && key.Public != nil {
		return key, nil
	}
	key, fault := keys.LoadPasted(path)
	if fault == nil {
		return key, nil
	}
	return nil, &api.Error{
		Code:    api.CodeNotFound,
		Message: api.Printable(fmt.Sprintf("the key %q can't be used: %v", path, fault)),
		Hints:   []string{"the keys that you have: sallyport key ls"},
	}
}

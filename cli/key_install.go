package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
)

const keyInstallLong = `Lets a key log in on hosts: its public half becomes a line of the account's
authorized_keys, once, however often you ask. The host is reached by any login
that works now, through its jump hosts. Then a new login with that key alone
proves that it works.

~/.ssh and authorized_keys are made where they are missing. Modes for which sshd
refuses every key are told, and mended if you agree, or with --yes.

Where a site manages the keys itself, the line to paste on its page is printed
and put on the clipboard.

With --json it prints a list. Of each host:
  host, key        the key is told by its fingerprint
  state            "installed", "present" or "failed"
  login            with the key alone: "proved", "partial", "refused", "unproved"
  options          of the line that was there
  faults, mended   path, message and mend, a command there
  managed, line    others decide which keys log in; what to paste
  error            code, message and hints`

// installFlags are those of "key install".
type installFlags struct {
	identity  string
	yes, json bool
}

func (a *app) keyInstall() *cobra.Command {
	var f installFlags
	cmd := &cobra.Command{
		Use:   "install HOST...",
		Short: "let a key log in on hosts, and prove that it does",
		Long:  keyInstallLong,
		Example: `  sallyport key install targaryen
  sallyport key install -i ~/.ssh/id_ed25519 jon@wall tower`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.installKey(cmd.Context(), args, f)
		},
		ValidArgsFunction: a.completeHosts,
	}
	cmd.Flags().StringVarP(&f.identity, "identity", "i", "", "install the key in `FILE`, by default the first that the host would be offered")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "mend modes without asking")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (a *app) installKey(ctx context.Context, hosts []string, f installFlags) error {
	results := []api.Installation{}
	bad := 0
	for _, host := range hosts {
		result := a.installOn(ctx, host, f, atTerminal{a})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !result.Good() {
			bad++
		}
		results = append(results, result)
		if !f.json {
			a.tellInstallation(result)
		}
	}
	if f.json {
		if err := printJSON(a.Out, results); err != nil {
			return err
		}
	} else if len(hosts) > 1 {
		fmt.Fprintf(a.Err, "sallyport: %d of %d hosts are done\n", len(hosts)-bad, len(hosts))
	}
	if bad > 0 {
		return status(ours)
	}
	return nil
}

// installOn installs the key on one host.
func (a *app) installOn(ctx context.Context, host string, f installFlags, p person) api.Installation {
	r := api.Installation{Host: api.Printable(host), State: api.KeyFailed}
	on, err := a.accountOn(host, p)
	if err == nil {
		var key *keys.Key
		if key, err = on.keyFor(ctx, f.identity); err == nil {
			r.Key = keys.Fingerprint(key.Public)
			err = on.install(ctx, key, f, &r)
		}
	}
	if err != nil {
		r.Error = api.AsError(err)
	}
	return r
}

// keyFor is the key in a file, or the first that the host would be offered.
func (on *account) keyFor(ctx context.Context, path string) (*keys.Key, error) {
	if path != "" {
		return publicKey(ctx, path)
	}
	p, err := on.paths()
	if err != nil {
		return nil, err
	}
	h, _ := config.Load(p).Resolve(on.target.Host, config.Match{User: on.target.User}) // what is wrong is said by the login
	files, _ := h.IdentityFiles()
	for _, file := range files {
		if key, err := keys.Load(ctx, file, nil); err == nil && key.Public != nil {
			return key, nil
		}
	}
	return nil, &api.Error{
		Code:    api.CodeNotFound,
		Message: fmt.Sprintf("there is no key that %q would be offered", on.name),
		Hints:   []string{"sallyport key new", "name one: sallyport key install -i FILE " + on.name},
	}
}

// install looks, changes what has to be changed, and proves it.
func (on *account) install(ctx context.Context, key *keys.Key, f installFlags, r *api.Installation) error {
	was, err := on.state(ctx)
	if err != nil {
		return err
	}
	line := keys.AuthorizedLine(key.Public, key.Comment)
	if managed := on.managed(was); managed != nil {
		r.Managed, r.Line = true, line
		return managed
	}
	change := keys.Change{Add: line}
	r.State = api.KeyInstalled
	if there := was.Find(key.Public); len(there) > 0 {
		r.State, r.Options, change.Add = api.KeyPresent, there[0].Options, ""
	}
	if r.Faults, r.Mended, err = on.toMend(ctx, was.Faults(), f.yes); err == nil {
		change.Mend = r.Mended
		if change.Add != "" || len(change.Mend) > 0 {
			err = on.change(ctx, was, change)
		}
	}
	if err != nil {
		r.State, r.Mended = api.KeyFailed, nil
		return err
	}
	r.Login, err = on.prove(ctx, key)
	if r.Login != api.LoginRefused {
		return err
	}
	return on.whyRefused(ctx, key, line, r, err)
}

// managed tells that the account may not decide over its keys: authorized_keys
// or ~/.ssh is another user's.
func (on *account) managed(now keys.Account) error {
	for _, place := range []keys.Entry{now.Dir, now.File} {
		if place.Mode != "" && place.Owner != now.UID && now.UID != "0" {
			return managedError(fmt.Sprintf("~/.ssh/authorized_keys on %q does not belong to the account: the site manages its keys itself", on.name))
		}
	}
	return nil
}

func managedError(message string) *api.Error {
	return &api.Error{
		Code:    "managed",
		Message: message,
		Hints:   []string{"paste the line on the page of your account there, or send it to who runs the host"},
	}
}

// toMend asks which faults are to be mended.
func (on *account) toMend(ctx context.Context, all []keys.Fault, yes bool) (left, mend []keys.Fault, err error) {
	for _, fault := range all {
		fmt.Fprintf(on.Err, "sallyport: %s on %s: %s\n", fault.Path, on.name, api.Printable(fault.Message))
		agreed := yes
		if !yes && fault.Mend != "" {
			if agreed, err = on.person.agrees(ctx, fault); err != nil {
				return left, mend, err
			}
		}
		if agreed && fault.Mend != "" {
			mend = append(mend, fault)
		} else {
			left = append(left, fault)
		}
	}
	return left, mend, nil
}

// whyRefused finds out why a key that was installed does not log in.
func (on *account) whyRefused(ctx context.Context, key *keys.Key, line string, r *api.Installation, refused error) error {
	now, err := on.state(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(now.Find(key.Public)) == 0:
		r.State, r.Managed, r.Line = api.KeyFailed, true, line
		return managedError(fmt.Sprintf("the key has gone again from authorized_keys on %q: the site manages its keys itself", on.name))
	case len(r.Faults) > 0:
		return &api.Error{
			Code:    "modes",
			Message: fmt.Sprintf("the key is in authorized_keys on %q, and is refused: %s: %s", on.name, r.Faults[0].Path, r.Faults[0].Message),
			Hints:   []string{"sallyport key install --yes " + on.name + " mends what the account may mend"},
		}
	case len(r.Options) > 0:
		return &api.Error{
			Code:    "options",
			Message: api.Printable(fmt.Sprintf("the key is in authorized_keys on %q with the options %s, and is refused", on.name, strings.Join(r.Options, ","))),
			Hints:   []string{"sallyport key uninstall -i " + shellescape.Quote(key.Path) + " " + on.name + ", then install it again"},
		}
	}
	r.Managed, r.Line = true, line
	e := managedError(fmt.Sprintf("the key is in authorized_keys on %q, and is refused: sshd there looks for keys elsewhere, or the site manages them itself", on.name))
	e.Hints = append(e.Hints, api.AsError(refused).Message)
	return e
}

// tellInstallation says what became of a host: the outcome on standard output,
// what there is to do about it on standard error.
func (a *app) tellInstallation(r api.Installation) {
	fmt.Fprintf(a.Out, "%s: %s\n", r.Host, r.Words())
	for _, f := range r.Mended {
		fmt.Fprintf(a.Err, "sallyport: %s on %s is mended: %s\n", f.Path, r.Host, f.Mend)
	}
	if r.Error != nil {
		explain(a.Err, r.Error)
	}
	if r.Line != "" {
		a.offerLine(a.Err, r.Line)
	}
}

// offerLine prints a public key's line for pasting, and puts it on the
// clipboard where there is a terminal.
func (a *app) offerLine(w io.Writer, line string) {
	fmt.Fprintln(w, line)
	if copyToClipboard(line) {
		fmt.Fprintln(a.Err, "sallyport: the line is on the clipboard, if your terminal allows it")
	}
}

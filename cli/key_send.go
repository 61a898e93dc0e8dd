package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
)

// packTo sets the files up on a host, over the connection of the background
// process, once the person agrees that private halves travel.
func (a *app) packTo(ctx context.Context, f packFlags, named []string) error {
	p, err := a.collect(f.directory, named)
	if err != nil {
		return err
	}
	defer p.wipe()
	script, err := keys.SendScript(p.files)
	if err != nil {
		return err
	}
	on, err := a.accountOn(f.to, atTerminal{a})
	if err != nil {
		return err
	}
	a.warnOfSending(on, p)
	if !f.yes {
		if err := confirmed(ctx, "Send them?", "--yes sends without asking"); err != nil {
			return err
		}
	}
	list, err := on.send(ctx, script, p.files)
	if err != nil && len(list) == 0 {
		return err
	}
	return errors.Join(err, a.tellSent(f, on, p, list))
}

// warnOfSending says what travels, and what that is worth.
func (a *app) warnOfSending(on *account, p *packing) {
	for _, path := range p.outside {
		fmt.Fprintf(a.Err, "sallyport: %s is not below %s, and stays here\n", api.Printable(path), api.Printable(p.dir))
	}
	p.tellLines(a)
	var all, private []string
	for _, f := range p.files {
		all = append(all, api.Printable(f.Name))
		if f.Private {
			private = append(private, api.Printable(f.Name))
		}
	}
	fmt.Fprintf(a.Err, "sallyport: to ~/.ssh on %s go: %s\n", on.name, strings.Join(all, ", "))
	if len(private) > 0 {
		fmt.Fprintf(a.Err, "sallyport: private halves travel: %s\n", strings.Join(private, ", "))
		fmt.Fprintf(a.Err, "sallyport: whoever runs %s can read them there; a key of its own, made there, is safer\n", on.name)
	}
	for _, path := range p.bare {
		fmt.Fprintf(a.Err, "sallyport: %s has no passphrase of its own: whoever reads it there can use it\n", api.Printable(path))
	}
}

// send gives the script to the account, and the files to the script.
func (on *account) send(ctx context.Context, script string, files []keys.PackedFile) ([]keys.Placement, error) {
	var archive bytes.Buffer
	archive.Grow(archiveSize(files)) // so that no other copy stays
	defer func() { clear(archive.Bytes()) }()
	if err := keys.Archive(&archive, files); err != nil {
		return nil, err
	}
	t, err := on.client.StartScript(ctx, on.target)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if err := on.person.ready(ctx, on.client, t); err != nil {
		return nil, err
	}
	out, err := t.Feed(ctx, script, keys.SendMark, bytes.NewReader(archive.Bytes()))
	list, refused, ok := keys.ParseSent(out, files)
	switch {
	case !ok:
		return nil, on.notRead(out, err, "nothing can be set up in it from here", "sallyport key pack, and take the file there in another way")
	case refused != nil:
		return list, &api.Error{
			Code:    "refused",
			Message: api.Printable(fmt.Sprintf("on %q, %v", on.name, refused)),
			Hints:   []string{"sallyport " + on.name + " 'ls -la ~/.ssh; df ~'"},
		}
	}
	return list, nil
}

// archiveSize is the most that an archive of files takes: each has a head, and is
// filled up to a block of 512 bytes; two of them, filled up to 20, are its end.
func archiveSize(files []keys.PackedFile) int {
	size := 20 * 512
	for _, f := range files {
		size += 6*512 + len(f.Text)
	}
	return size
}

// sent is what became of the files on a host.
type sent struct {
	Host    string           `json:"host"`
	Files   []keys.Placement `json:"files"`
	Outside []string         `json:"outside"` // what was left, being elsewhere

	Lines []config.PathLine `json:"lines"` // of the configuration, that name the home here
}

func (a *app) tellSent(f packFlags, on *account, p *packing, list []keys.Placement) error {
	if f.json {
		return printJSON(a.Out, sent{on.name, append([]keys.Placement{}, list...), append([]string{}, p.outside...), append([]config.PathLine{}, p.lines...)})
	}
	if err := printPlacements(a.Out, list); err != nil {
		return err
	}
	a.tellUnpacked(list)
	return nil
}

// confirmed asks for a yes; hint is for where nobody can be asked.
func confirmed(ctx context.Context, question, hint string) error {
	agreed, err := agree(ctx, question)
	switch {
	case errors.Is(err, errNoTerminal):
		return &api.Error{Code: errNoTerminal.Code, Message: errNoTerminal.Message, Hints: []string{hint}}
	case err != nil:
		return err
	case !agreed:
		return status(declined)
	}
	return nil
}

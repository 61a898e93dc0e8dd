package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

const keyPublicLong = `Writes the public half of the private key in FILE to FILE.pub, or elsewhere with
--output; "--output -" prints it. A file of the same key is left as it is. One of
anything else is replaced only if you agree, or with --yes; it is kept in
$XDG_STATE_HOME/sallyport/backups/keys.

With --json it prints state ("printed", "written", "present" or "replaced"), file,
kept (the directory of what was replaced) and line, the public half.`

// publicFlags are those of "key public".
type publicFlags struct {
	output    string
	yes, json bool
}

func (a *app) keyPublic() *cobra.Command {
	var f publicFlags
	cmd := &cobra.Command{
		Use:   "public FILE",
		Short: "write the public half of a private key anew",
		Long:  keyPublicLong,
		Example: `  sallyport key public ~/.ssh/id_ed25519
  sallyport key public ~/.ssh/id_ed25519 -o -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			derived, err := a.derivePublic(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			return a.tellPublic(derived, f.json)
		},
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to `OUTPUT`; \"-\" is standard output (default FILE.pub)")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "replace what is there without asking")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// derivedPublic is the public half of a private key.
type derivedPublic struct {
	State string `json:"state"`          // "printed", "written", "present" or "replaced"
	File  string `json:"file,omitempty"` // "" where it was only printed
	Kept  string `json:"kept,omitempty"` // the directory of what was there before
	Line  string `json:"line"`
}

// The values of derivedPublic.State.
const (
	publicPrinted  = "printed"
	publicWritten  = "written"
	publicPresent  = "present"
	publicReplaced = "replaced"
)

// standardOutput names the standard output where a file can be named.
const standardOutput = "-"

func (a *app) derivePublic(ctx context.Context, path string, f publicFlags) (*derivedPublic, error) {
	path = privatePath(path)
	opened, err := openKey(ctx, path)
	if err != nil {
		return nil, err
	}
	opened.Wipe()
	line := opened.AuthorizedLine()
	d := &derivedPublic{State: publicWritten, File: f.output, Line: string(line[:len(line)-1])}
	switch d.File {
	case standardOutput:
		d.State, d.File = publicPrinted, ""
		return d, nil
	case "":
		d.File = path + ".pub"
	}
	there, err := keys.OpenPublic(d.File)
	switch {
	case err == nil && keys.Equal(there.Public, opened.Public):
		d.State = publicPresent
		return d, nil
	case err == nil, errors.Is(err, keys.ErrNotPublic):
		if err := a.makeRoom(ctx, d, path, f.yes); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return d, keys.CreatePublic(d.File, line)
}

// makeRoom moves away what is in the place of a public half.
func (a *app) makeRoom(ctx context.Context, d *derivedPublic, path string, yes bool) error {
	if !yes {
		fmt.Fprintf(a.Err, "sallyport: %s is not the public half of %s\n", api.Printable(d.File), api.Printable(path))
		question := fmt.Sprintf("Replace %s (the old file is kept)?", api.Printable(d.File))
		if err := a.agrees(ctx, question, "--yes replaces it without asking, --output names another file"); err != nil {
			return err
		}
	}
	dir, err := a.backups()
	if err != nil {
		return err
	}
	d.State = publicReplaced
	d.Kept, err = keys.Keep(dir, d.File)
	return err
}

func (a *app) tellPublic(d *derivedPublic, asJSON bool) error {
	if asJSON {
		return printJSON(a.Out, d)
	}
	file := api.Printable(d.File)
	switch d.State {
	case publicPrinted:
		_, err := fmt.Fprintln(a.Out, a.shown(d.Line))
		return err
	case publicPresent:
		fmt.Fprintf(a.Err, "sallyport: %s is the public half already\n", file)
	case publicReplaced:
		fmt.Fprintf(a.Err, "sallyport: wrote %s; what was there is in %s\n", file, api.Printable(d.Kept))
	default:
		fmt.Fprintf(a.Err, "sallyport: wrote %s\n", file)
	}
	return nil
}

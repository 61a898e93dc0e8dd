package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

const keyCommentLong = `Writes another comment, by which people know a key, into both halves of the pair
FILE and FILE.pub. An empty TEXT takes it away. The private half keeps its
passphrase, which is asked for if it has one: the comment is inside.

A private key in the PEM or PKCS#8 format has no room for a comment; only its
public half gets it.

With --json it prints the key as "sallyport key ls --json" does, and written: the
files that have the comment.`

func (a *app) keyComment() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "comment FILE TEXT",
		Short:   "change the comment of a key pair",
		Long:    keyCommentLong,
		Example: `  sallyport key comment ~/.ssh/id_ed25519 "jon at the lab"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed, err := a.changeComment(cmd.Context(), args[0], strings.TrimSpace(args[1]))
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, changed)
			}
			fmt.Fprintf(a.Err, "sallyport: wrote %s\n", api.Printable(strings.Join(changed.Written, " and ")))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// commented is a key pair with another comment.
type commented struct {
	*keys.Facts
	Written []string `json:"written"` // the files that have it
}

func (a *app) changeComment(ctx context.Context, path, comment string) (*commented, error) {
	facts, err := inspectPair(path)
	if err != nil {
		return nil, err
	}
	if err := keys.CheckComment(comment); err != nil {
		return nil, err
	}
	var written []string
	switch {
	case facts.PublicFile == keys.PublicMismatched:
		return nil, notItsHalf(facts)
	case facts.Private == nil && facts.Public != nil: // its private half is elsewhere
	case facts.Private == nil || facts.Private.HoldsComment():
		opened, err := openKey(ctx, facts.Path)
		if err != nil {
			return nil, err
		}
		defer opened.Wipe()
		if err := opened.SetComment(comment); err != nil {
			return nil, err
		}
		written = append(written, facts.Path)
	case facts.PublicFile == keys.PublicMissing:
		return nil, noRoom(facts)
	}
	if beside, err := keys.OpenPublic(facts.Path + ".pub"); err == nil && keys.Equal(beside.Public, facts.Public) {
		if err := keys.SetPublicComment(beside.Path, beside.Public, comment); err != nil {
			return nil, err
		}
		written = append(written, beside.Path)
	}
	now, err := keys.Inspect(facts.Path)
	if err != nil {
		return nil, err
	}
	return &commented{now, written}, nil
}

// notItsHalf is a .pub file beside a key that is not its own.
func notItsHalf(f *keys.Facts) error {
	return &api.Error{
		Code:    "public-mismatched",
		Message: api.Printable(fmt.Sprintf("%q is not the public half of %q; nothing was written", f.Path+".pub", f.Path)),
		Hints:   []string{"write it anew: sallyport key public " + word(f.Path)},
	}
}

func noRoom(f *keys.Facts) error {
	file := word(f.Path)
	return &api.Error{
		Code:    "no-room",
		Message: api.Printable(fmt.Sprintf("%q is in the %s format, which has no room for a comment, and has no .pub file", f.Path, f.Private.Format)),
		Hints:   []string{"write the .pub file first: sallyport key public " + file, "or bring the key to OpenSSH's format: sallyport key passwd " + file},
	}
}

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

const keyPasswdLong = `Gives the private key in FILE another passphrase, or one where it has none.
It loses its passphrase only if you say so, or by --no-passphrase.

The file is then in OpenSSH's own format, whatever it was before; only a key of
PuTTY stays one. Mode, owner and comment stay, and a link stays a link. The old
file is there until the new one has been read back and opened.

With --json it prints the key as "sallyport key ls --json" does, and was: how it
was protected before, as private there.`

// passwdFlags are those of "key passwd".
type passwdFlags struct {
	rounds             int
	noPassphrase, json bool
}

func (a *app) keyPasswd() *cobra.Command {
	var f passwdFlags
	cmd := &cobra.Command{
		Use:   "passwd FILE",
		Short: "change, set or remove the passphrase of a private key",
		Long:  keyPasswdLong,
		Example: `  sallyport key passwd ~/.ssh/id_ed25519
  sallyport key passwd --rounds 100 ~/.ssh/id_rsa`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed, err := a.changePassphrase(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(a.Out, changed)
			}
			fmt.Fprintf(a.Err, "sallyport: %s: %s; it was %s\n",
				api.Printable(changed.Path), api.Printable(changed.Private.String()), api.Printable(changed.Was.String()))
			return nil
		},
	}
	roundsFlag(cmd.Flags(), &f.rounds)
	cmd.Flags().BoolVar(&f.noPassphrase, "no-passphrase", false, "leave the private half unprotected")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// relocked is a key pair whose private half is protected in another way.
type relocked struct {
	*keys.Facts
	Was keys.Lock `json:"was"`
}

func (a *app) changePassphrase(ctx context.Context, path string, f passwdFlags) (*relocked, error) {
	if err := checkRounds(f.rounds); err != nil {
		return nil, err
	}
	opened, err := openKey(ctx, privatePath(path))
	if err != nil {
		return nil, err
	}
	defer opened.Wipe()
	var passphrase []byte
	defer func() { clear(passphrase) }()
	if !f.noPassphrase {
		if passphrase, err = a.newPassphrase(ctx, enterNewPassphrase); err != nil {
			return nil, unanswered(err, noPassphraseHint)
		}
	}
	if err := opened.SetPassphrase(passphrase, f.rounds); err != nil {
		return nil, err
	}
	facts, err := keys.Inspect(opened.Path)
	if err != nil {
		return nil, err
	}
	return &relocked{facts, opened.Lock}, nil
}

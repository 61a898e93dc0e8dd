package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sallyport/api"
	"sallyport/keys"
)

const keyNewLong = `Makes a key pair: ed25519 unless -t says otherwise, ecdsa of 256, 384 or 521
bits, rsa of 4096 or 3072, or ed25519-sk or ecdsa-sk in a FIDO token, by
ssh-keygen. The file is that which ssh looks for, ~/.ssh/id_ed25519 and its
like, unless -f names another; no file is ever written over.

The passphrase is asked for on the terminal, or by SSH_ASKPASS. It can be left
empty only by saying so, or by --no-passphrase.

With --json it prints the key as "sallyport key ls --json" does, and randomart.`

// newKey is what is asked for by "key new".
type newKey struct {
	spec         keys.Spec
	path         string
	rounds       int
	noPassphrase bool
}

func (a *app) keyNew() *cobra.Command {
	var n newKey
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "new",
		Short: "make a key pair",
		Long:  keyNewLong,
		Example: `  sallyport key new
  sallyport key new -t rsa -b 4096 -f ~/.ssh/id_lab -C "jon at the lab"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("comment") {
				n.spec.Comment = api.KeyComment()
			}
			made, err := a.makeKey(cmd.Context(), n)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, made)
			}
			return a.printMade(made)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&n.spec.Type, "type", "t", "ed25519", "the `TYPE`: "+strings.Join(keys.Types(), ", "))
	flags.IntVarP(&n.spec.Bits, "bits", "b", 0, "the size of an ecdsa or rsa key in `BITS`")
	flags.StringVarP(&n.path, "file", "f", "", "the `FILE` of the private half; the public one is FILE.pub")
	flags.StringVarP(&n.spec.Comment, "comment", "C", "", "the `COMMENT`, by which people know the key (default user@host)")
	roundsFlag(flags, &n.rounds)
	flags.BoolVar(&n.noPassphrase, "no-passphrase", false, "leave the private half unprotected")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func roundsFlag(flags *pflag.FlagSet, rounds *int) {
	flags.IntVarP(rounds, "rounds", "a", keys.DefaultRounds, "how many `ROUNDS` of bcrypt slow down who guesses the passphrase")
}

func (a *app) makeKey(ctx context.Context, n newKey) (*api.MadeKey, error) {
	var err error
	if n.spec, err = n.spec.Check(); err != nil {
		return nil, err
	}
	if err := checkRounds(n.rounds); err != nil {
		return nil, err
	}
	if n.path, err = a.newKeyPath(n); err != nil {
		return nil, err
	}
	if err := api.VacantKey(n.path, "sallyport key new -f OTHER-FILE"); err != nil {
		return nil, err
	}
	var passphrase []byte
	defer func() { clear(passphrase) }()
	if !n.noPassphrase {
		if passphrase, err = a.newPassphrase(ctx, enterPassphrase); err != nil {
			return nil, unanswered(err, noPassphraseHint)
		}
	}
	secret, err := a.secretOf(ctx, n)
	if err != nil {
		return nil, err
	}
	return n.plan().Keep(secret, passphrase)
}

// noPassphraseHint is for who is asked for a new passphrase without a terminal.
const noPassphraseHint = "--no-passphrase leaves the key without one"

func checkRounds(n int) error {
	if n < 1 || n > keys.MaxRounds {
		return fmt.Errorf("--rounds wants a number between 1 and %d", keys.MaxRounds)
	}
	return nil
}

// newKeyPath is where the key goes.
func (a *app) newKeyPath(n newKey) (string, error) {
	if n.path != "" {
		return filepath.Clean(n.path), nil
	}
	dir, err := a.sshDirectory()
	return filepath.Join(dir, n.spec.FileName()), err
}

// sshDirectory is ~/.ssh, which is made where there is none.
func (a *app) sshDirectory() (string, error) {
	p, err := a.paths()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(p.Home, ".ssh")
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, nil
}

// unanswered says what to do where nobody gave a passphrase.
func unanswered(err error, hint string) error {
	switch {
	case errors.Is(err, errNoTerminal):
		return &api.Error{Code: errNoTerminal.Code, Message: errNoTerminal.Message, Hints: []string{hint}}
	case errors.Is(err, errDeclined):
		return errors.New("no passphrase was given; nothing was written")
	}
	return err
}

func (n newKey) plan() api.NewKey { return api.NewKey{Spec: n.spec, Path: n.path, Rounds: n.rounds} }

func (a *app) secretOf(ctx context.Context, n newKey) (*keys.Secret, error) {
	if n.spec.InToken() {
		return a.enroll(ctx, n)
	}
	return keys.Generate(n.spec)
}

// printMade says where the key is on standard error; the public half, which is
// what is asked for next, is data.
func (a *app) printMade(made *api.MadeKey) error {
	fmt.Fprintf(a.Err, "sallyport: wrote %s and %s.pub\n", api.Printable(made.Path), api.Printable(made.Path))
	_, err := fmt.Fprintf(a.Out, "%d %s %s (%s)\n%s\n%s",
		made.Bits, made.SHA256, api.Printable(made.Comment), made.Type, made.Randomart, keys.PublicLine(made.Public, api.Printable(made.Comment)))
	return err
}

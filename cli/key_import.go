package cli

import (
	"context"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

const keyImportLong = `Reads a private key of PuTTY (.ppk, version 2 or 3; rsa, ecdsa or ed25519) and
writes it as OpenSSH has it, with the same passphrase and comment: to ~/.ssh,
under the name of the file without .ppk, unless -f names another. The .ppk stays
as it is, and no file is ever written over.

With --json it prints the key as "sallyport key ls --json" does, and randomart.`

func (a *app) keyImport() *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "import FILE.ppk",
		Short:   "make a key of PuTTY one of OpenSSH",
		Long:    keyImportLong,
		Example: `  sallyport key import ~/Downloads/cluster.ppk`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := a.importKey(cmd.Context(), args[0], out, filePassphrase)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, made)
			}
			return a.printMade(made)
		},
	}
	cmd.Flags().StringVarP(&out, "file", "f", "", "the `FILE` of the private half; the public one is FILE.pub")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// importOnScreen imports a key whose passphrase is asked for there.
func (a *app) importOnScreen(ctx context.Context, ppk string, ask api.Interview) (*api.MadeKey, error) {
	return a.importKey(ctx, ppk, "", ask.Passphrase)
}

func (a *app) importKey(ctx context.Context, ppk, out string, ask keys.Passphrase) (*api.MadeKey, error) {
	if out == "" {
		dir, err := a.sshDirectory()
		if err != nil {
			return nil, err
		}
		name := filepath.Base(ppk)
		if ext := filepath.Ext(name); strings.EqualFold(ext, ".ppk") {
			name = strings.TrimSuffix(name, ext)
		}
		out = filepath.Join(dir, name)
	}
	if err := api.VacantKey(out, "sallyport key import -f OTHER-FILE "+shellescape.Quote(ppk)); err != nil {
		return nil, err
	}
	opened, err := openKeyBy(ctx, ppk, ask)
	if err != nil {
		return nil, err
	}
	defer opened.Wipe()
	return api.NewKey{Path: filepath.Clean(out), Rounds: keys.DefaultRounds}.Keep(opened.Secret, opened.Passphrase)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

const keyConvertLong = `Writes the key in FILE in another form. FILE may be in any of them, and stays as
it is; nothing is ever written over.

A private key keeps its passphrase and goes to a file:
  openssh   FILE without .pem, .p8 or .ppk, with its .pub, as ssh-keygen makes it
  pem       FILE.pem, the old form of rsa and ecdsa keys; it hardly slows down
            who guesses the passphrase
  pkcs8     FILE.p8, which openssl and Java read; ssh reads rsa and ecdsa keys
            of it, and ed25519 keys since OpenSSH 9.6
  ppk       FILE.ppk, the form of PuTTY, WinSCP and MobaXterm

A public key is printed, unless --output names a file:
  openssh   the line of a .pub file
  rfc4716   what some web forms and other servers ask for; of a private key it
            is the public half
  pem, pkcs8
            what openssl reads

With --json it prints files, which were written, to (the form), type, bits, sha256,
comment, and private as in "sallyport key ls --json".`

// conversion is what is asked for by "key convert".
type conversion struct {
	to, output string
	ppkVersion int
	json       bool
}

// form is how a key can be written.
type form struct {
	suffix  string // of the file of a private half
	private func(*keys.Secret, []byte, conversion) ([]byte, error)
	public  func(*keys.Key) ([]byte, error)
}

// forms are those of --to. One that has no function of a kind has no keys of
// that kind.
var forms = map[string]form{
	"openssh": {
		private: func(s *keys.Secret, passphrase []byte, _ conversion) ([]byte, error) {
			return s.Encode(passphrase, keys.DefaultRounds)
		},
		public: func(k *keys.Key) ([]byte, error) { return keys.PublicLine(k.Public, k.Comment), nil },
	},
	"pem": {
		suffix: ".pem",
		private: func(s *keys.Secret, passphrase []byte, _ conversion) ([]byte, error) {
			return s.EncodePEM(passphrase)
		},
		public: func(k *keys.Key) ([]byte, error) { return keys.PublicPEM(k.Public) },
	},
	"pkcs8": {
		suffix: ".p8",
		private: func(s *keys.Secret, passphrase []byte, _ conversion) ([]byte, error) {
			return s.EncodePKCS8(passphrase)
		},
		public: func(k *keys.Key) ([]byte, error) { return keys.PublicPKCS8(k.Public) },
	},
	"rfc4716": {
		public: func(k *keys.Key) ([]byte, error) { return keys.PublicRFC4716(k.Public, api.KeyComment()), nil },
	},
	"ppk": {
		suffix: ".ppk",
		private: func(s *keys.Secret, passphrase []byte, c conversion) ([]byte, error) {
			return s.EncodePPK(passphrase, c.ppkVersion)
		},
	},
}

func (a *app) keyConvert() *cobra.Command {
	var c conversion
	cmd := &cobra.Command{
		Use:   "convert FILE --to FORM",
		Short: "write a key in the form of another program",
		Long:  keyConvertLong,
		Example: `  sallyport key convert ~/.ssh/id_ed25519 --to ppk -o castle.ppk
  sallyport key convert ~/.ssh/id_rsa.pub --to rfc4716`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.convert(cmd.Context(), args[0], c)
		},
	}
	names := slices.Sorted(maps.Keys(forms))
	flags := cmd.Flags()
	flags.StringVar(&c.to, "to", "", "the `FORM`: "+strings.Join(names, ", "))
	flags.StringVarP(&c.output, "output", "o", "", "write to `OUTPUT`; \"-\" is standard output")
	flags.IntVar(&c.ppkVersion, "ppk-version", keys.PPKVersion, "the `VERSION` of a .ppk: 3, or 2 for PuTTY before 0.75")
	flags.BoolVar(&c.json, "json", false, "print JSON about what was written")
	_ = cmd.MarkFlagRequired("to") // the flag is there
	_ = cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// convert finds out which half of a key is in the file.
func (a *app) convert(ctx context.Context, path string, c conversion) error {
	to, ok := forms[c.to]
	if !ok {
		return fmt.Errorf("--to wants one of %s", strings.Join(slices.Sorted(maps.Keys(forms)), ", "))
	}
	public, err := keys.OpenPublic(path)
	switch {
	case err == nil:
		return a.convertPublic(public, to, c)
	case !errors.Is(err, keys.ErrNotPublic):
		return noSuchKey(err)
	case to.private == nil:
		return a.convertHalf(ctx, path, to, c)
	}
	return a.convertPrivate(ctx, path, to, c)
}

// convertHalf converts the public half of a private key, which asks for no
// passphrase where it stands in clear.
func (a *app) convertHalf(ctx context.Context, path string, to form, c conversion) error {
	facts, err := keys.Inspect(path)
	if err != nil {
		return err
	}
	half := &keys.Key{Public: facts.Public, Path: path, Comment: facts.Comment}
	if half.Public == nil {
		opened, err := openKey(ctx, path)
		if err != nil {
			return err
		}
		opened.Wipe()
		half.Public, half.Comment = opened.Public, opened.Comment
	}
	return a.convertPublic(half, to, c)
}

func (a *app) convertPublic(key *keys.Key, to form, c conversion) error {
	if to.public == nil {
		return &api.Error{
			Code:    api.CodeBadRequest,
			Message: api.Printable(fmt.Sprintf("a .ppk holds the private half, and %q is a public key", key.Path)),
			Hints:   []string{"sallyport key convert " + word(privatePath(key.Path)) + " --to " + c.to},
		}
	}
	text, err := to.public(key)
	if err != nil {
		return err
	}
	if c.output == "" || c.output == standardOutput {
		return a.printConverted(text, c)
	}
	if err := keys.CreatePublic(c.output, text); err != nil {
		return err
	}
	return a.tellConverted(c, &converted{
		Files: []string{c.output}, To: c.to, Comment: key.Comment,
		Type: keys.TypeName(key.Public), Bits: keys.Bits(key.Public), SHA256: keys.Fingerprint(key.Public),
	})
}

func (a *app) convertPrivate(ctx context.Context, path string, to form, c conversion) error {
	out, err := newPath(path, to, c)
	if err != nil {
		return err
	}
	opened, err := openKey(ctx, path)
	if err != nil {
		return err
	}
	defer opened.Wipe()
	text, err := to.private(opened.Secret, opened.Passphrase, c)
	if err != nil {
		return err
	}
	defer clear(text)
	if out == standardOutput {
		return a.printConverted(text, c)
	}
	done := &converted{
		Files: []string{out}, To: c.to, Comment: opened.Comment,
		Type: keys.TypeName(opened.Public), Bits: keys.Bits(opened.Public), SHA256: keys.Fingerprint(opened.Public),
	}
	if to.suffix == "" {
		done.Files = append(done.Files, out+".pub")
		err = keys.Create(out, text, opened.AuthorizedLine())
	} else {
		err = keys.CreatePrivate(out, text)
	}
	if err != nil {
		return err
	}
	facts, err := keys.Inspect(out)
	if err != nil {
		return err
	}
	done.Private = facts.Private
	return a.tellConverted(c, done)
}

// newPath is where a private key goes, which is free.
func newPath(path string, to form, c conversion) (string, error) {
	if c.output == standardOutput {
		return c.output, nil
	}
	out := filepath.Clean(c.output)
	if c.output == "" {
		out = filepath.Clean(path)
		for _, f := range forms {
			if f.suffix != "" {
				out = strings.TrimSuffix(out, f.suffix)
			}
		}
		out += to.suffix
	}
	return out, api.VacantKey(out, "sallyport key convert "+word(path)+" --to "+c.to+" --output OTHER-FILE")
}

// converted is a key that was written in another form.
type converted struct {
	Files   []string   `json:"files"`
	To      string     `json:"to"`
	Type    string     `json:"type"`
	Bits    int        `json:"bits"`
	SHA256  string     `json:"sha256"`
	Comment string     `json:"comment"`
	Private *keys.Lock `json:"private,omitempty"` // nil: it is a public half
}

// printConverted prints a key, to which nothing can be added.
func (a *app) printConverted(text []byte, c conversion) error {
	if c.json {
		return errors.New("--json tells of the file that is written: name one with --output")
	}
	_, err := a.Out.Write(text)
	return err
}

func (a *app) tellConverted(c conversion, done *converted) error {
	if c.json {
		return printJSON(a.Out, done)
	}
	what := "the public half"
	if done.Private != nil {
		what = done.Private.String()
	}
	fmt.Fprintf(a.Err, "sallyport: wrote %s: %s\n", api.Printable(strings.Join(done.Files, " and ")), what)
	return nil
}

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "look at your keys, make and change them, and install them on hosts",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(a.keyList())
	cmd.AddCommand(a.keyNew())
	cmd.AddCommand(a.keyInstall(), a.keyInstalled(), a.keyUninstall(), a.keyLine())
	cmd.AddCommand(a.keyImport(), a.keyConvert())
	cmd.AddCommand(a.keyPasswd(), a.keyComment(), a.keyPublic(), a.keyRemove())
	cmd.AddCommand(a.keyPack(), a.keyUnpack())
	return cmd
}

const keyListLong = `Lists each key pair in ~/.ssh, each that the configuration names, and what the
agent of SSH_AUTH_SOCK holds: what it is, how it is protected, which hosts use
it, and what is wrong with it, with the command that mends it. It asks for no
passphrase and changes nothing.

With --json it prints a list. Of each key:
  path, type, bits, sha256, md5, comment, mode, owner
  private      format, encrypted, cipher, rounds of bcrypt; version and kdf of a
               .ppk; absent where there is no private half
  public       its file: "present", "missing" or "mismatched"
  certificate  id, principals, valid_after, valid_before
  findings     rule, message and fix, a command
  in_agent     whether the agent holds it
  hosts        that would offer it`

func (a *app) keyList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list key pairs and what is wrong with them",
		Long:  keyListLong,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := a.listKeys(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, list)
			}
			return printKeys(a.Out, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listKeys has the pairs in the order of their paths, the agent's own last.
func (a *app) listKeys(ctx context.Context) ([]*api.KeyPair, error) {
	p, err := a.paths()
	if err != nil {
		return nil, err
	}
	ring, err := api.ReadInventory(p).Keys(ctx, os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil, err
	}
	for _, err := range ring.Problems {
		fmt.Fprintf(a.Err, "sallyport: %s\n", api.Printable(err.Error()))
	}
	return ring.Pairs, nil
}

func printKeys(w io.Writer, rows []*api.KeyPair) error {
	var b strings.Builder
	for _, r := range rows {
		name := r.Path
		if name == "" {
			name = "(agent only)"
		}
		fmt.Fprintln(&b, api.Printable(name))
		for _, line := range keyLines(r) {
			fmt.Fprintf(&b, "    %s\n", api.Printable(line))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// keyLines are what there is to say of a key, each fact with its name.
func keyLines(r *api.KeyPair) (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if r.Type != "" {
		say("%s %d %s", r.Type, r.Bits, r.Comment)
		say("%s", r.SHA256)
		say("%s", r.MD5)
	}
	if r.Private != nil {
		say("private: %s, mode %s, owner %s", r.Private, r.Mode, r.Owner)
	}
	if c := r.Certificate; c != nil {
		say("certificate: %q for %s, %s", c.ID, strings.Join(c.Principals, ", "), c.Validity())
	}
	if r.InAgent {
		say("in the agent")
	}
	if len(r.Hosts) > 0 {
		say("hosts: %s", few(r.Hosts))
	}
	for _, f := range r.Findings {
		say("✗ %s [%s]", f.Message, f.Rule)
		say("  fix: %s", f.Fix)
	}
	return lines
}

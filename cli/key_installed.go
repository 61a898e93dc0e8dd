package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/keys"
)

func (a *app) keyInstalled() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "installed HOST",
		Short: "list the keys that may log in on a host",
		Long: `Lists the keys in the account's authorized_keys on a host, as sshd reads them,
with their options, and the file of those that are yours.

With --json it prints a list: line, type, bits, sha256, comment, options, and ours,
the file of a key of yours or "agent".`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := a.installedOn(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, list)
			}
			if len(list) == 0 {
				fmt.Fprintf(a.Err, "sallyport: no key is in ~/.ssh/authorized_keys on %s\n", api.Printable(args[0]))
			}
			return printInstalled(a.Out, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// installedRow is a key that may log in, and whose it is.
type installedRow struct {
	keys.Authorized
	Ours string `json:"ours,omitempty"` // the path of the private half, or "agent"
}

func (a *app) installedOn(ctx context.Context, host string) ([]installedRow, error) {
	on, err := a.accountOn(host, atTerminal{a})
	if err != nil {
		return nil, err
	}
	now, err := on.state(ctx)
	if err != nil {
		return nil, err
	}
	mine, err := a.listKeys(ctx)
	if err != nil {
		return nil, err
	}
	rows := []installedRow{}
	for _, line := range now.Authorized {
		row := installedRow{Authorized: line}
		for _, k := range mine {
			if keys.Equal(keys.Plain(k.Public), line.Public) {
				row.Ours = k.Path
				if row.Ours == "" {
					row.Ours = "agent"
				}
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func printInstalled(w io.Writer, rows []installedRow) error {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d: %s %d %s\n    %s\n", r.Line, r.Type, r.Bits, api.Printable(r.Comment), r.SHA256)
		if len(r.Options) > 0 {
			fmt.Fprintf(&b, "    options: %s\n", api.Printable(strings.Join(r.Options, ",")))
		}
		if r.Ours != "" {
			fmt.Fprintf(&b, "    yours: %s\n", api.Printable(r.Ours))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *app) keyUninstall() *cobra.Command {
	var identity string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "uninstall -i FILE HOST",
		Short: "no longer let a key log in on a host",
		Long: `Takes each line of a key out of the account's authorized_keys on a host. All
else in the file stays as it is.

With --json it prints host, removed (the lines, as "sallyport key installed --json"
does), and left, the number of other keys.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			gone, err := a.uninstallKey(cmd.Context(), args[0], identity)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, gone)
			}
			_, err = fmt.Fprintf(a.Out, "%s: %d lines of the key are gone, %d of other keys are left\n", gone.Host, len(gone.Removed), gone.Left)
			return err
		},
	}
	cmd.Flags().StringVarP(&identity, "identity", "i", "", "remove the key in `FILE`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("identity") // the flag is there
	return cmd
}

// removal is what became of a key's lines.
type removal struct {
	Host    string            `json:"host"`
	Removed []keys.Authorized `json:"removed"`
	Left    int               `json:"left"` // keys
}

func (a *app) uninstallKey(ctx context.Context, host, path string) (removal, error) {
	gone := removal{Host: api.Printable(host), Removed: []keys.Authorized{}}
	key, err := publicKey(ctx, path)
	if err != nil {
		return gone, err
	}
	on, err := a.accountOn(host, atTerminal{a})
	if err != nil {
		return gone, err
	}
	was, err := on.state(ctx)
	if err != nil {
		return gone, err
	}
	gone.Removed = append(gone.Removed, was.Find(key.Public)...)
	gone.Left = len(was.Authorized) - len(gone.Removed)
	if len(gone.Removed) == 0 {
		return gone, nil
	}
	return gone, on.change(ctx, was, keys.Change{Remove: gone.Removed})
}

func (a *app) keyLine() *cobra.Command {
	var check string
	cmd := &cobra.Command{
		Use:   "line [-i FILE]",
		Short: "print a public key as the line that web forms ask for, and copy it",
		Long: `Prints the public half of a key as one line, and puts it on the clipboard where
there is a terminal. The line of a .pub file that was cut, broken or mixed up
with another file is not printed; what went wrong with it is said.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := publicKey(cmd.Context(), check)
			if err != nil {
				return err
			}
			a.offerLine(a.Out, keys.AuthorizedLine(key.Public, key.Comment))
			return nil
		},
	}
	cmd.Flags().StringVarP(&check, "identity", "i", "", "print the key in `FILE`")
	_ = cmd.MarkFlagRequired("identity") // the flag is there
	return cmd
}

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"sallyport/api"
)

func (a *app) hostsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "hosts [QUERY]",
		Short: "list the hosts of the configuration, with the way to each",
		Long: `List the hosts of the configuration, with the way to each. The words of QUERY
narrow the list, all of them together:

  left        anywhere in alias, address, user, tags, comment or file, in any case
  web*        a pattern for the alias
  tag:gpu     a tag; likewise user:NAME, via:HOP and file:NAME, also as patterns`,
		Example: `  sallyport hosts 'tag:gpu user:dany'
  sallyport hosts 'via:got-bastion'`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(_ *cobra.Command, args []string) error {
			inv, err := a.inventory()
			if err != nil {
				return err
			}
			if err := a.named(inv); err != nil {
				return err
			}
			hosts := matching(inv, api.ParseQuery(strings.Join(args, " ")).Finds)
			if asJSON {
				return printJSON(a.Out, hosts)
			}
			a.warn(inv)
			return printHosts(a.Out, hosts)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// matching are the hosts that fit, in file order.
func matching(inv *api.Inventory, fits func(api.Host) bool) []api.Host {
	hosts := []api.Host{}
	for _, name := range inv.Names() {
		if h := inv.Host(name); fits(h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// named fails for a file of -F that is not there, as ssh does.
func (a *app) named(inv *api.Inventory) error {
	if a.configFile == "" || !inv.Missing() {
		return nil
	}
	return &api.Error{
		Code:    api.CodeConfig,
		Message: "can't open user config file " + api.Printable(a.configFile) + ": no such file or directory",
	}
}

// warn says what is wrong with the configuration; the listing goes on.
func (a *app) warn(inv *api.Inventory) {
	if inv.Missing() {
		fmt.Fprintf(a.Err, "sallyport: there is no %s yet\n", api.Printable(inv.Path()))
	}
	for _, p := range inv.Problems() {
		fmt.Fprintf(a.Err, "sallyport: %s\n", api.Printable(p.Error()))
	}
}

func printHosts(w io.Writer, hosts []api.Host) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, h := range hosts {
		way := ""
		if len(h.Via) > 0 {
			way = strings.Join(h.Via, " ▸ ") + " ▸"
		}
		fmt.Fprintf(t, "%s\t%s\t%s@%s:%d%s\n", api.Printable(h.Name), way, h.User, h.HostName, h.Port, remark(h))
	}
	return t.Flush()
}

// remark is what there is to say behind an address: why the host cannot be
// opened, or which line may make another one of it when it is.
func remark(h api.Host) string {
	switch {
	case h.Problem != "":
		return "  ✗ " + h.Problem
	case len(h.Conditional) > 0:
		return "  " + h.Condition()
	}
	return ""
}

// printJSON prints v, with what a terminal could act on escaped as JSON has it.
func printJSON(w io.Writer, v any) error { return printIndented(w, v, "  ") }

// printJSONLine is printJSON on one line.
func printJSONLine(w io.Writer, v any) error { return printIndented(w, v, "") }

func printIndented(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	var safe bytes.Buffer
	for _, r := range text.String() {
		if r == '\n' || api.Printable(string(r)) == string(r) {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	_, err := safe.WriteTo(w)
	return err
}

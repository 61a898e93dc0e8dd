package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
)

const checkLong = `Looks for mistakes in the configuration: keywords and values that ssh refuses,
lines that never take effect and blocks that nothing matches, jump hosts that
nobody knows or that form a loop, key files that are missing or open to others,
control sockets that cannot be made or are shared by different hosts, weak
algorithms, and local ports that two hosts want. It runs nothing and asks no
network.

  FILE:LINE: error: what is wrong [rule]
      why: what comes of it
      fix: what to do

The exit status is 0 if nothing was found, 1 if something was, and 255 if the
configuration could not be looked at.`

// found is the exit status that says that there are findings.
const found = 1

func (a *app) checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "find mistakes in the configuration",
		Long:  checkLong,
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.check(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) check(asJSON bool) error {
	p, err := a.paths()
	if err != nil {
		return err
	}
	if _, err := os.Stat(p.User); p.Explicit && a.configFile != "none" && errors.Is(err, fs.ErrNotExist) {
		return &api.Error{Code: api.CodeConfig, Message: fmt.Sprintf("there is no file %q to check", api.Printable(p.User))}
	}
	findings := config.Load(p).Check(config.CheckEnv{})
	if asJSON {
		err = printJSON(a.Out, findings)
	} else {
		err = printFindings(a.Out, findings)
	}
	if err == nil && len(findings) > 0 {
		return status(found)
	}
	return err
}

func printFindings(w io.Writer, findings []config.Finding) error {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s: %s: %s [%s]\n    why: %s\n    fix: %s\n", api.Printable(f.Origin.String()), f.Severity, f.Message, f.Rule, f.Why, f.Fix)
		if len(f.Hosts) > 0 {
			fmt.Fprintf(&b, "    hosts: %s\n", few(f.Hosts))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mostNamed is how many hosts are named before the rest is counted.
const mostNamed = 6

// few names some hosts and counts the rest.
func few(names []string) string {
	rest := ""
	if n := len(names) - mostNamed; n > 1 {
		names, rest = names[:mostNamed], fmt.Sprintf(" and %d more", n)
	}
	return api.Printable(strings.Join(names, ", ")) + rest
}

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
)

const configLong = `Prints the options of HOST to the byte as "ssh -G HOST" prints them, or the
value of one KEYWORD (in any case), one to a line.

  sallyport config HOST --origin      what files set, with file:line behind each line
  sallyport config HOST --json        the same for programs, with the later lines that
                                      each option shadows; one without "origin" is
                                      ssh's default
  sallyport config HOST --origin --all, --json --all
                                      the options at ssh's defaults, too; without
                                      --origin and --json these are always there
  sallyport config check              what is wrong with the configuration

As with ssh -G, the programs of Match exec are run, and names are looked up
where CanonicalizeHostname asks for it. The defaults are those that the installed
ssh tells; where there is none, those of the newest release. What ssh refuses is refused in ssh's
words, with exit status 255. A HOST that has the name of a command is reached
after "--".`

// configFlags are those of "sallyport config HOST".
type configFlags struct {
	line                sshLine
	origin, asJSON, all bool
}

func (a *app) configCommand() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:               "config HOST [KEYWORD]",
		Short:             "print the options of a host as ssh -G does, and where each was set",
		Long:              configLong,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.showConfig(cmd.Context(), args[0], strings.Join(args[1:], ""), f)
		},
	}
	f.line.register(cmd.Flags())
	cmd.Flags().BoolVar(&f.origin, "origin", false, "say where each option was set")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.all, "all", false, "with --origin or --json, list ssh's defaults, too")
	cmd.AddCommand(a.checkCommand())
	return cmd
}

// showConfig resolves a host as if it were opened, and prints it.
func (a *app) showConfig(ctx context.Context, host, keyword string, f configFlags) error {
	p, err := a.paths()
	if err != nil {
		return err
	}
	c := config.LoadExactly(ctx, p)
	if keyword != "" && !c.Knows(keyword) && !strings.EqualFold(keyword, hostKeyword) {
		return &api.Error{
			Code:    api.CodeBadRequest,
			Message: fmt.Sprintf("ssh has no option %q", api.Printable(keyword)),
			Hints:   []string{"sallyport config " + api.Printable(host) + " --all lists them"},
		}
	}
	m, err := f.line.match()
	if err != nil {
		return err
	}
	m.Execute = true
	h, _ := c.Resolve(host, m) // what is wrong is told apart below
	if a.refused(c, h) {
		return status(ours)
	}
	return a.printConfig(h, keyword, f)
}

// refused says what is wrong with the configuration of a host, as ssh would,
// and tells whether that stops ssh -G.
func (a *app) refused(c *config.Config, h *config.Host) bool {
	now, late := h.Refusals()
	all := append(now, late...)
	for _, p := range c.Problems() {
		if !p.Fatal {
			all = append(all, p)
		}
	}
	for _, p := range all {
		fmt.Fprintf(a.Err, "sallyport: %s\n", api.Printable(p.Error()))
	}
	return len(now) > 0
}

// hostKeyword begins the first line of ssh -G, which is no option.
const hostKeyword = "host"

// printConfig prints what was asked for in the form that was asked for.
func (a *app) printConfig(h *config.Host, keyword string, f configFlags) error {
	// One keyword is answered even where ssh's default is in force.
	options := chosen(h, keyword, f.all || keyword != "" || !f.origin && !f.asJSON)
	switch {
	case f.asJSON:
		return printJSON(a.Out, withShadows(h, options))
	case f.origin:
		return printOrigins(a.Out, h, options, keyword == "")
	}
	for _, o := range options {
		line := h.Line(o)
		if keyword != "" {
			line = o.Value
		}
		if _, err := fmt.Fprintln(a.Out, a.shown(line)); err != nil {
			return err
		}
	}
	return nil
}

// chosen are the options to print, the host's name first.
func chosen(h *config.Host, keyword string, all bool) []config.Option {
	options := []config.Option{}
	if keyword == "" || strings.EqualFold(keyword, hostKeyword) {
		name := config.Option{Key: hostKeyword, Value: h.Name, Origin: config.CommandLine}
		options = append(options, name)
	}
	for o := range h.AllOptions() {
		if (keyword == "" || h.Is(o, keyword)) && (all || o.Origin != (config.Origin{})) {
			options = append(options, o)
		}
	}
	return options
}

// shown is text for the standard output: as it is, unless a terminal could
// act on it.
func (a *app) shown(text string) string {
	if isTerminal(a.Out) {
		return api.Printable(text)
	}
	return text
}

// widestAligned is how far to the right the column of origins may stand, in
// characters; behind a longer line it follows after two blanks.
const widestAligned = 52

// printOrigins prints file:line behind each option, aligned, with or without
// the keywords.
func printOrigins(w io.Writer, h *config.Host, options []config.Option, keywords bool) error {
	lines := make([]string, len(options))
	column := 0
	for i, o := range options {
		lines[i] = api.Printable(o.Value)
		if keywords {
			lines[i] = api.Printable(h.Line(o))
		}
		if n := utf8.RuneCountInString(lines[i]); n <= widestAligned {
			column = max(column, n)
		}
	}
	for i, o := range options {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", column, lines[i], api.Printable(o.Origin.String())); err != nil {
			return err
		}
	}
	return nil
}

// jsonOption is an option with what it keeps from taking effect.
type jsonOption struct {
	Key     string          `json:"key"`
	Value   string          `json:"value"`
	Origin  config.Origin   `json:"origin,omitzero"`
	Shadows []config.Option `json:"shadows,omitempty"` // later lines of the same keyword
}

// withShadows puts the shadowed lines of a keyword to its first value.
func withShadows(h *config.Host, options []config.Option) []jsonOption {
	shadows := map[string][]config.Option{}
	for _, o := range h.Shadowed("") {
		shadows[o.Key] = append(shadows[o.Key], o)
	}
	list := []jsonOption{}
	for _, o := range options {
		list = append(list, jsonOption{o.Key, o.Value, o.Origin, shadows[o.Key]})
		delete(shadows, o.Key)
	}
	return list
}

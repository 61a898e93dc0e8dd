package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"sallyport/api"
	"sallyport/config"
)

// declined is the exit status of an edit that the person did not want.
const declined = 1

// editHelp ends the help of every command that edits.
const editHelp = `

The change is shown as a diff and has to be confirmed on the terminal, unless
--yes is given. It is refused if any other host would change, or if ssh would
not understand the result as it was meant. The old file is kept in
$XDG_STATE_HOME/sallyport/backups, the last ten of each.

Exit status: 0 if the file was written or there was nothing to change, 1 if you
said no, 255 if the change was refused or failed.`

// editFlags are those of every command that edits.
type editFlags struct {
	yes, dryRun bool
}

func (e *editFlags) register(flags *pflag.FlagSet) {
	flags.BoolVarP(&e.yes, "yes", "y", false, "write without asking")
	flags.BoolVarP(&e.dryRun, "dry-run", "n", false, "only print the diff, on standard output")
}

// editing is a command that changes the configuration.
func (a *app) editing(cmd *cobra.Command, edits func(args []string) ([]config.Edit, error)) *cobra.Command {
	flags := &editFlags{}
	flags.register(cmd.Flags())
	if cmd.Long == "" {
		cmd.Long = strings.ToUpper(cmd.Short[:1]) + cmd.Short[1:] + "."
	}
	cmd.Long += editHelp
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = a.completeHosts
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := edits(args)
		if err != nil {
			return err
		}
		return a.change(cmd.Context(), *flags, list)
	}
	return cmd
}

// change makes edits, shows them, asks, and writes.
func (a *app) change(ctx context.Context, flags editFlags, edits []config.Edit) error {
	p, err := a.paths()
	if err != nil {
		return err
	}
	change, err := config.Load(p).Edit(edits...)
	if err != nil {
		return err
	}
	if change.Empty() {
		fmt.Fprintln(a.Err, "sallyport: there is nothing to change")
		return nil
	}
	if err := change.Check(ctx); err != nil {
		return err
	}
	if flags.dryRun {
		return a.printDiff(change.Diff())
	}
	showDiff(a.Err, change.Diff())
	if !flags.yes {
		if err := a.confirm(ctx, change); err != nil {
			return err
		}
	}
	return a.write(ctx, change)
}

// printDiff prints a diff that patch(1) can read; for a terminal its bytes are
// made harmless.
func (a *app) printDiff(diff string) error {
	if isTerminal(a.Out) {
		showDiff(a.Out, diff)
		return nil
	}
	_, err := io.WriteString(a.Out, diff)
	return err
}

// showDiff writes a diff for a person.
func showDiff(w io.Writer, diff string) {
	for line := range strings.Lines(diff) {
		fmt.Fprintln(w, harmless(line))
	}
}

// harmless is a line as a terminal may have it: printable but for its tabs,
// without its end.
func harmless(line string) string {
	cells := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
	for i := range cells {
		cells[i] = api.Printable(cells[i])
	}
	return strings.Join(cells, "\t")
}

// isTerminal tells whether what is written goes to a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks whether to write.
func (a *app) confirm(ctx context.Context, change *config.Change) error {
	return a.agrees(ctx, fmt.Sprintf("Write %s?", api.Printable(change.File)), "--yes writes without asking, --dry-run only shows the change")
}

// agrees asks for a yes on the terminal. Anything else ends the command, as
// does a missing terminal, with a hint.
func (a *app) agrees(ctx context.Context, question, hint string) error {
	tty, ok := openControlling()
	if !ok {
		return &api.Error{Code: errNoTerminal.Code, Message: "there is no terminal to ask on", Hints: []string{hint}}
	}
	defer tty.close()
	agreed, err := tty.agrees(ctx, question)
	if err != nil || agreed {
		return err
	}
	fmt.Fprintln(a.Err, "sallyport: nothing was changed")
	return status(declined)
}

// agrees asks for a yes; anything else is a no.
func (t *terminal) agrees(ctx context.Context, question string) (bool, error) {
	answer, err := t.line(ctx, question+" [y/N] ", true)
	if err != nil && !errors.Is(err, errDeclined) {
		return false, err
	}
	word := strings.TrimSpace(string(answer))
	return strings.EqualFold(word, "y") || strings.EqualFold(word, "yes"), nil
}

func (a *app) write(ctx context.Context, change *config.Change) error {
	if err := a.save(ctx, change); err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "sallyport: wrote %s\n", api.Printable(change.File))
	return nil
}

// save writes a change, and keeps the old file among the backups.
func (a *app) save(ctx context.Context, change *config.Change) error {
	dirs, err := a.dirs()
	if err != nil {
		return err
	}
	return change.Apply(ctx, filepath.Join(dirs.State, "backups"))
}

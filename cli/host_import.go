package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
)

const hostImportLong = `Make hosts of the sessions that another program has saved:

  PuTTY        the registry's key, exported:
               reg export HKCU\Software\SimonTatham\PuTTY\Sessions putty.reg
  PuTTY, Unix  ~/.putty/sessions, or one file of it; also without an argument
  WinSCP       WinSCP.ini, by Tools, Export Configuration
  MobaXterm    an .mxtsessions file by Export all sessions, or MobaXterm.ini

A host gets the address, login name, port, key, forwards, way and whatever else
ssh has a word for; a folder becomes a tag. What cannot be said is named below
the diff. A session that is reached through a proxy that ssh has not is left
out, and one that goes through another session goes through that host. Hosts
that are there already stay as they are. Passwords are not read.

A key of PuTTY (.ppk) becomes usable by sallyport key import: IdentityFile is
where that will write it.

With --json: file, written, diff, and for each of sessions its name there
(session), the name and options of the host, notes, and why it is left_out.`

// imported is what --json prints.
type imported struct {
	File     string            `json:"file"`
	Written  bool              `json:"written"`
	Diff     string            `json:"diff"`
	Sessions []config.Imported `json:"sessions"`
}

func (a *app) hostImport() *cobra.Command {
	var file string
	var asJSON bool
	flags := &editFlags{}
	cmd := &cobra.Command{
		Use:   "import [FILE]...",
		Short: "add the sessions of PuTTY, WinSCP and MobaXterm",
		Long:  hostImportLong + editHelp,
		Example: `  sallyport host import putty.reg
  sallyport host import --dry-run MobaXterm.ini
  sallyport host import ~/.putty/sessions/gate --file ~/.ssh/lab.config`,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := includedFile(file)
			if err != nil {
				return err
			}
			done, err := a.importHosts(cmd.Context(), *flags, args, file)
			if err == nil && asJSON {
				err = printJSON(a.Out, done)
			} else if err == nil && flags.dryRun {
				err = a.printDiff(done.Diff)
			}
			return err
		},
	}
	flags.register(cmd.Flags())
	cmd.Flags().StringVar(&file, "file", "", "the included `FILE` to write to, instead of the user's")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: each session, and the diff")
	return cmd
}

// importHosts adds the sessions of some files, as an edit like any other.
func (a *app) importHosts(ctx context.Context, flags editFlags, files []string, to string) (*imported, error) {
	p, err := a.paths()
	if err != nil {
		return nil, err
	}
	sessions, err := readSaved(p.Home, files)
	if err != nil {
		return nil, err
	}
	edit := &config.Import{Sessions: sessions, File: to}
	change, err := config.Load(p).Edit(edit)
	if err != nil {
		return nil, err
	}
	done := &imported{File: change.File, Diff: change.Diff(), Sessions: edit.Results}
	if err := change.Check(ctx); err != nil {
		return nil, err
	}
	if !flags.dryRun {
		showDiff(a.Err, done.Diff)
	}
	a.tellImported(edit.Results)
	if flags.dryRun || change.Empty() {
		return done, nil
	}
	if !flags.yes {
		if err := a.confirm(ctx, change); err != nil {
			return nil, err
		}
	}
	done.Written = true
	return done, a.write(ctx, change)
}

// readSaved reads the sessions of files, or those of PuTTY on this computer.
func readSaved(home string, files []string) (all []*config.Saved, err error) {
	if len(files) == 0 {
		dir := config.PuttyDirectory(home)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, &api.Error{Code: api.CodeNotFound, Message: "PuTTY has no sessions at " + api.Printable(dir), Hints: []string{"sallyport host import FILE"}}
		}
		files = []string{dir}
	}
	for _, file := range files {
		list, err := config.ReadSaved(file)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// tellImported says what became of the sessions: what is to be done for those
// that are hosts now, and why the others are not.
func (a *app) tellImported(results []config.Imported) {
	hosts := 0
	for _, r := range results {
		if r.LeftOut == "" {
			hosts++
		}
	}
	fmt.Fprintf(a.Err, "sallyport: %d of %d sessions become hosts\n", hosts, len(results))
	for _, r := range results {
		if r.LeftOut != "" {
			fmt.Fprintf(a.Err, "  %s is left out: %s\n", api.Printable(r.Session), api.Printable(r.LeftOut))
			continue
		}
		for _, note := range r.Notes {
			fmt.Fprintf(a.Err, "  %s: %s\n", api.Printable(r.Name), api.Printable(note))
		}
	}
}

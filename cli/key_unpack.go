package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
)

const keyUnpackLong = `Sets up what "sallyport key pack" has put into FILE: keys with their modes,
known_hosts and configuration go to ~/.ssh. First it is shown what is in the file
and what becomes of each:

  new      it goes where it belongs
  same     it is there already
  aside    another file of that name is there, and stays; the new one goes to
           ~/.ssh/unpacked, for you to compare
  skipped  there is another one too

Nothing is ever written over. A file that holds anything else than plain files
below ~/.ssh is refused as a whole. At the end each line of the configuration is
told, with its place, that names a directory which this machine does not have.

With --json it prints a list: name, state, path and size of each file.

Exit status: 0 if all was set up, 1 if you said no, 255 for a failure.`

type unpackFlags struct {
	editFlags
	directory string
	json      bool
}

func (a *app) keyUnpack() *cobra.Command {
	var f unpackFlags
	cmd := &cobra.Command{
		Use:     "unpack FILE",
		Short:   "set up what key pack has put into a file",
		Long:    keyUnpackLong,
		Example: `  sallyport key unpack sallyport-keys.age`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.unpack(cmd.Context(), f, args[0]) },
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "write without asking")
	cmd.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "only show what is in the file")
	cmd.Flags().StringVar(&f.directory, "directory", "", "set the files up in `DIR` instead of ~/.ssh")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (a *app) unpack(ctx context.Context, f unpackFlags, path string) error {
	files, err := openPack(ctx, path)
	if err != nil {
		return unanswered(err, "SSH_ASKPASS names a program that asks, with SSH_ASKPASS_REQUIRE=force")
	}
	defer func() {
		for _, file := range files {
			clear(file.Text)
		}
	}()
	dir := f.directory
	if dir == "" {
		p, err := a.paths()
		if err != nil {
			return err
		}
		dir = filepath.Join(p.Home, ".ssh")
	}
	list := keys.Place(dir, files)
	if f.json {
		err = printJSON(a.Out, list)
	} else {
		err = printPlacements(a.Out, list)
	}
	if err != nil || f.dryRun {
		return err
	}
	if !f.yes {
		if err := confirmed(ctx, fmt.Sprintf("Write to %s?", api.Printable(dir)), "--yes writes without asking"); err != nil {
			return err
		}
	}
	for _, p := range list {
		if err := p.Put(); err != nil {
			return err
		}
	}
	a.tellUnpacked(list)
	a.tellStrange(files, list)
	return nil
}

// tellStrange tells of lines in the configuration that was set up which name
// directories that are not on this machine. list has a place for each file.
func (a *app) tellStrange(files []keys.PackedFile, list []keys.Placement) {
	for i, f := range files {
		if written := list[i].State == keys.PlaceNew || list[i].State == keys.PlaceAside; !written || !f.Configures() {
			continue
		}
		for _, l := range config.Strange(list[i].Path, f.Text) {
			fmt.Fprintf(a.Err, "sallyport: %s: %s names %s, and this machine has no such directory\n",
				api.Printable(l.Origin.String()), api.Printable(l.Keyword), api.Printable(l.Path))
		}
	}
}

// maxPackFile bounds what is read of a file that may be anything.
const maxPackFile = 80 << 20

// openPack asks for the passphrase until it is right.
func openPack(ctx context.Context, path string) ([]keys.PackedFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sealed, err := io.ReadAll(io.LimitReader(file, maxPackFile))
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		passphrase, err := passphraseOf(ctx, "'"+path+"'", try)
		if err != nil {
			return nil, err
		}
		files, err := keys.Unpack(bytes.NewReader(sealed), passphrase)
		clear(passphrase)
		switch {
		case errors.Is(err, keys.ErrPackPassphrase):
			continue
		case err != nil:
			return nil, fmt.Errorf("opening %q: %w", path, err)
		}
		return files, nil
	}
}

func printPlacements(w io.Writer, list []keys.Placement) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(t, "%s\t%s\t%d bytes\n", p.State, api.Printable(p.Name), p.Size)
	}
	return t.Flush()
}

// tellUnpacked says what was not done as it was meant.
func (a *app) tellUnpacked(list []keys.Placement) {
	written := 0
	for _, p := range list {
		switch p.State {
		case keys.PlaceNew:
			written++
		case keys.PlaceAside:
			fmt.Fprintf(a.Err, "sallyport: another %s is there and stays; the new one is %s\n", api.Printable(p.Name), api.Printable(p.Path))
		case keys.PlaceSkipped:
			fmt.Fprintf(a.Err, "sallyport: another %s is there and stays; so is one beside it: the new one was not written\n", api.Printable(p.Name))
		}
	}
	fmt.Fprintf(a.Err, "sallyport: %d of %d files were set up\n", written, len(list))
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
)

const keyPackLong = `Puts keys, known_hosts and the configuration with what it includes into one file,
to take them to another machine: "sallyport key unpack FILE" sets them up there.
Without KEY all key pairs of ~/.ssh are taken. Only files below ~/.ssh go in; what
is elsewhere is named.

The file is encrypted by a passphrase, which is asked for twice, as age does it:
"age -d FILE | tar -xC ~/.ssh" opens it too. The private halves travel in it: with
their own passphrases, if they have any.

In the configuration a path below your home is written with a ~, where ssh reads
that as the same; each such line is told, and each that names the home elsewhere.
All else stays the same to the byte.

With --to HOST they go straight to ~/.ssh of a host, by its connection and with
their modes, once you agree: the private halves travel, and whoever runs that host
can read them there. Sallyport need not be on it. What is there already stays, as
with "sallyport key unpack".

With --json it prints path of the file, or host; files; outside, which were left; and lines
of the configuration, with origin, keyword, path, and now: what stands in its
place. Of files that went to a host: name, state ("new", "same", "aside",
"skipped"), path and size.

Exit status: 0 if all is done, 1 if you said no, 255 for a failure.`

type packFlags struct {
	out, directory string
	to             string // a host
	work           int
	json, yes      bool
}

func (a *app) keyPack() *cobra.Command {
	var f packFlags
	cmd := &cobra.Command{
		Use:   "pack [KEY...]",
		Short: "put keys, known_hosts and configuration into one encrypted file",
		Long:  keyPackLong,
		Example: `  sallyport key pack
  sallyport key pack --output /media/stick/keys.age ~/.ssh/id_lab
  sallyport key pack --to laptop ~/.ssh/id_lab`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.to != "" {
				return a.packTo(cmd.Context(), f, args)
			}
			return a.pack(cmd.Context(), f, args)
		},
	}
	cmd.Flags().StringVarP(&f.out, "output", "o", "sallyport-keys.age", "the `FILE` to write; one that is there stays")
	cmd.Flags().StringVar(&f.directory, "directory", "", "take the files of `DIR` instead of ~/.ssh")
	cmd.Flags().IntVar(&f.work, "work", keys.PackWork, "how hard guessing the passphrase is: 2 to the power of `N`")
	cmd.Flags().StringVar(&f.to, "to", "", "set the files up on `HOST` instead")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "with --to, send without asking")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.MarkFlagsMutuallyExclusive("to", "output")
	cmd.MarkFlagsMutuallyExclusive("to", "work")
	_ = cmd.RegisterFlagCompletionFunc("to", a.completeHosts) // the flag is there
	return cmd
}

// packing collects the files of a pack.
type packing struct {
	dir     string // where the keys are
	home    string // of this machine, by the passwd entry
	files   []keys.PackedFile
	lines   []config.PathLine // of the configuration, that name the home
	outside []string          // what was asked for and is elsewhere
	bare    []string          // private halves without a passphrase
}

func (a *app) pack(ctx context.Context, f packFlags, named []string) error {
	if f.work < 1 || f.work > 22 {
		return badUsage("--work wants a number between 1 and 22")
	}
	if _, err := os.Lstat(f.out); err == nil {
		return &api.Error{Code: "pack-exists", Message: fmt.Sprintf("%q exists already; it was left as it is", api.Printable(f.out)), Hints: []string{"sallyport key pack --output OTHER-FILE"}}
	}
	p, err := a.collect(f.directory, named)
	if err != nil {
		return err
	}
	defer p.wipe()
	p.warn(a)
	passphrase, err := a.packPassphrase(ctx)
	if err != nil {
		return unanswered(err, "SSH_ASKPASS names a program that asks, with SSH_ASKPASS_REQUIRE=force")
	}
	defer clear(passphrase)
	var sealed bytes.Buffer
	if err := keys.Pack(&sealed, p.files, passphrase, f.work); err != nil {
		return err
	}
	if err := keys.CreatePrivate(f.out, sealed.Bytes()); err != nil {
		return err
	}
	return a.tellPacked(f, p)
}

// collect finds the files: of the keys that are named, or of all pairs.
func (a *app) collect(directory string, named []string) (*packing, error) {
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	p := &packing{dir: filepath.Join(paths.Home, ".ssh"), home: paths.Home}
	if directory != "" {
		if p.dir, err = filepath.Abs(directory); err != nil {
			return nil, err
		}
		if a.configFile == "" {
			if paths, err = config.File(filepath.Join(p.dir, "config")); err != nil {
				return nil, err
			}
		}
	}
	if len(named) == 0 {
		if named, err = keys.Find(p.dir); err != nil {
			return nil, err
		}
	}
	for _, key := range named {
		if err := p.addKey(key); err != nil {
			return nil, err
		}
	}
	c := config.Load(paths)
	for _, path := range append([]string{filepath.Join(p.dir, "known_hosts"), filepath.Join(p.dir, "known_hosts2")}, c.Files()...) {
		if c.System(path) {
			continue
		}
		before := len(p.files)
		if err := p.add(path, false); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if slices.Contains(c.Files(), path) {
			p.carry(p.files[before:])
		}
	}
	if len(p.files) == 0 {
		return nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("there is nothing to pack in %s", api.Printable(p.dir))}
	}
	return p, nil
}

// addKey adds the files of a pair that are there; one of them has to be.
func (p *packing) addKey(key string) error {
	path, err := filepath.Abs(strings.TrimSuffix(key, ".pub"))
	if err != nil {
		return err
	}
	facts, err := keys.Inspect(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("there is no key %q", api.Printable(key)), Hints: []string{"sallyport key ls"}}
	case err != nil:
		return err
	}
	if facts.Private != nil && !facts.Private.Encrypted {
		p.bare = append(p.bare, path)
	}
	for _, file := range []struct {
		path    string
		private bool
	}{{path, true}, {path + ".pub", false}, {path + "-cert.pub", false}} {
		if err := p.add(file.path, file.private); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// add reads a file below the directory, once.
func (p *packing) add(path string, private bool) error {
	name, err := filepath.Rel(p.dir, path)
	if err != nil || !filepath.IsLocal(name) {
		if _, err := os.Stat(path); err == nil && !slices.Contains(p.outside, path) {
			p.outside = append(p.outside, path)
		}
		return nil
	}
	name = filepath.ToSlash(name)
	if slices.ContainsFunc(p.files, func(f keys.PackedFile) bool { return f.Name == name }) {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	p.files = append(p.files, keys.PackedFile{Name: name, Private: private, Text: text})
	return nil
}

// carry makes what has been added of the configuration fit for another home.
func (p *packing) carry(added []keys.PackedFile) {
	for i, f := range added {
		text, lines := config.Carry(f.Name, f.Text, p.home)
		added[i].Text = text
		p.lines = append(p.lines, lines...)
	}
}

// wipe clears the private halves.
func (p *packing) wipe() {
	for _, f := range p.files {
		clear(f.Text)
	}
}

// tellLines tells of the lines that name the home, which another machine may not
// have.
func (p *packing) tellLines(a *app) {
	for _, l := range p.lines {
		at, keyword, path := api.Printable(l.Origin.String()), api.Printable(l.Keyword), api.Printable(l.Path)
		if l.Now != "" {
			fmt.Fprintf(a.Err, "sallyport: %s: %s %s goes as %s\n", at, keyword, path, api.Printable(l.Now))
		} else {
			fmt.Fprintf(a.Err, "sallyport: %s: %s names %s, and goes as it is\n", at, keyword, path)
		}
	}
}

func (p *packing) warn(a *app) {
	p.tellLines(a)
	for _, path := range p.outside {
		fmt.Fprintf(a.Err, "sallyport: %s is not below %s, and stays here\n", api.Printable(path), api.Printable(p.dir))
	}
	for _, path := range p.bare {
		fmt.Fprintf(a.Err, "sallyport: %s has no passphrase of its own: whoever opens the file can use it\n", api.Printable(path))
	}
}

// packPassphrase asks for the passphrase of a file that must have one.
func (a *app) packPassphrase(ctx context.Context) ([]byte, error) {
	passphrase, err := askLine(ctx, "Enter passphrase for the file", false)
	switch {
	case err != nil:
		return nil, err
	case len(passphrase) == 0:
		return nil, errDeclined
	}
	return a.confirmed(ctx, passphrase)
}

// packed is what went into a file.
type packed struct {
	Path    string   `json:"path"`
	Files   []string `json:"files"`
	Outside []string `json:"outside"` // what was left, being elsewhere

	Lines []config.PathLine `json:"lines"` // of the configuration, that name the home here
}

func (a *app) tellPacked(f packFlags, p *packing) error {
	if f.json {
		list := packed{Path: f.out, Files: []string{}, Outside: append([]string{}, p.outside...), Lines: append([]config.PathLine{}, p.lines...)}
		for _, file := range p.files {
			list.Files = append(list.Files, file.Name)
		}
		return printJSON(a.Out, list)
	}
	for _, file := range p.files {
		fmt.Fprintln(a.Out, api.Printable(file.Name))
	}
	fmt.Fprintf(a.Err, "sallyport: wrote %s; on the other machine: sallyport key unpack %s\n",
		api.Printable(f.out), api.Printable(shellescape.Quote(filepath.Base(f.out))))
	return nil
}

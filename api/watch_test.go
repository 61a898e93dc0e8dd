package api

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sallyport/config"
)

// write replaces a file's text in place.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestASaveIsNoticedHoweverTheEditorSaves(t *testing.T) {
	const before, after = "Host a\n", "Host a\nHost b\n"
	replace := func(t *testing.T, path string) {
		write(t, path+".new", after)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	for name, row := range map[string]struct {
		prepare func(t *testing.T, home string) (path string) // of the user's file
		save    func(t *testing.T, path string)
	}{
		"in place": {
			func(t *testing.T, home string) string { return filepath.Join(home, "config") },
			func(t *testing.T, path string) { write(t, path, after) },
		},
		"by renaming a new file over it": {
			func(t *testing.T, home string) string { return filepath.Join(home, "config") },
			replace,
		},
		"by moving the old file away first": {
			func(t *testing.T, home string) string { return filepath.Join(home, "config") },
			func(t *testing.T, path string) {
				if err := os.Rename(path, path+"~"); err != nil {
					t.Fatal(err)
				}
				write(t, path, after)
			},
		},
		"in the file that a link leads to": {
			func(t *testing.T, home string) string {
				write(t, filepath.Join(home, "dotfiles", "ssh"), before)
				if err := os.Symlink(filepath.Join(home, "dotfiles", "ssh"), filepath.Join(home, "config")); err != nil {
					t.Fatal(err)
				}
				return filepath.Join(home, "config")
			},
			func(t *testing.T, path string) { replace(t, filepath.Join(filepath.Dir(path), "dotfiles", "ssh")) },
		},
		"in a file that is included": {
			func(t *testing.T, home string) string {
				write(t, filepath.Join(home, "more"), before)
				write(t, filepath.Join(home, "config"), "Include "+filepath.Join(home, "more")+"\n")
				return filepath.Join(home, "config")
			},
			func(t *testing.T, path string) { replace(t, filepath.Join(filepath.Dir(path), "more")) },
		},
		"by a new file in a folder that is included": {
			func(t *testing.T, home string) string {
				write(t, filepath.Join(home, "d", "first"), before)
				write(t, filepath.Join(home, "config"), "Include "+filepath.Join(home, "d", "*")+"\n")
				return filepath.Join(home, "config")
			},
			func(t *testing.T, path string) {
				write(t, filepath.Join(filepath.Dir(path), "d", "second"), "Host b\n")
			},
		},
		"by making the first file, folder and all": {
			func(t *testing.T, home string) string { return filepath.Join(home, "none", "config") },
			func(t *testing.T, path string) { write(t, path, after) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := row.prepare(t, t.TempDir())
			if _, err := os.Stat(path); err != nil && filepath.Base(filepath.Dir(path)) != "none" {
				write(t, path, before)
			}
			paths := config.Paths{User: path, Home: t.TempDir(), Explicit: true}
			inv := ReadInventory(paths)

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			noticed := make(chan error, 1)
			go func() { noticed <- inv.WaitForChange(ctx) }()
			row.save(t, path)
			if err := <-noticed; err != nil {
				t.Fatalf("the save was not noticed: %v", err)
			}
			names := ReadInventory(paths).Names()
			if len(names) == 0 || names[len(names)-1] != "b" {
				t.Errorf("afterwards there are %q, want b among them", names)
			}
		})
	}
}

func TestWhatWasNotReadIsNotWaitedFor(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "config")
	write(t, path, "Host a\n")
	inv := ReadInventory(config.Paths{User: path, Home: home, Explicit: true})

	ctx, cancel := context.WithTimeoutCause(t.Context(), 4*quiet, errors.New("nothing came"))
	defer cancel()
	write(t, filepath.Join(home, "known_hosts"), "x\n")
	if err := inv.WaitForChange(ctx); err == nil {
		t.Error("another file of the folder counts as a change of the configuration")
	}
}

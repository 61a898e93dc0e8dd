package again

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestALineIsTakenApartAsSSHDoes(t *testing.T) {
	for _, row := range []struct {
		name, line, about, command string // no command: the line is left to the program
	}{
		{"a host and a command", "h ls -l", "h", "ls -l"},
		{"options", "-q -F f -oPort=1 -vp 2 h ls", "-q -F f -oPort=1 -vp 2 h", "ls"},
		{"the end of options", "-q -- h ls", "-q -- h", "ls"},
		{"the end of options, and a command like one", "-- h -l", "-- h", "-l"},
		{"a host alone", "h", "", ""},
		{"no host", "-q", "", ""},
		{"an option without its argument", "-p", "", ""},
		{"nothing", "", "", ""},
		{"an option after the host", "h -q ls", "", ""},
		{"the end of options after the host", "h -- ls", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			l, ok := Parse(strings.Fields(row.line))
			if ok != (row.command != "") || ok && (strings.Join(l.about, " ") != row.about || l.command != row.command) {
				t.Errorf("%q is about %q with the command %q, %v", row.line, l.about, l.command, ok)
			}
		})
	}
}

func TestTheProgramKnowsItsNames(t *testing.T) {
	for _, row := range []struct{ name, line, want string }{
		{"sallyport ssh", "/usr/bin/sallyport ssh h ls", "h ls"},
		{"a link called ssh", "/opt/ssh h ls", "h ls"},
		{"ssh from PATH", "ssh h ls", "h ls"},
		{"another command", "sallyport hosts", ""},
		{"no command", "sallyport", ""},
		{"no name", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := strings.Join(arguments(strings.Fields(row.line)), " "); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestARecipeHoldsWhileAllIsAsItWas(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing is remembered here")
	}
	for _, row := range []struct {
		name   string
		change func(t *testing.T, dir string)
		holds  bool
	}{
		{"nothing has changed", func(*testing.T, string) {}, true},
		{"a file was written", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "config"), "y") }, false},
		{"a file was written with its old time", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "config")
			before, err := os.Stat(path)
			must(t, err)
			write(t, path, "y")
			must(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
		}, false},
		{"a file was replaced", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "new"), "x")
			must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "config")))
		}, false},
		{"a file has gone", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "config"))) }, false},
		{"a missing file has come", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "missing"), "") }, false},
		{"a directory has one more", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "d", "new"), "") }, false},
		{"another environment", func(t *testing.T, _ string) { t.Setenv("LC_X", "1") }, false},
		{"the shell's word for the program", func(t *testing.T, _ string) { t.Setenv("_", "other") }, true},
		{"another directory of work", func(t *testing.T, dir string) { t.Chdir(dir) }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "config"), "x")
			must(t, os.Mkdir(filepath.Join(dir, "d"), 0o700))
			defer later(time.Second)()
			r := Recipe{Files: []string{filepath.Join(dir, "config"), filepath.Join(dir, "missing"), filepath.Join(dir, "d")}, Socket: "s", Before: []byte("b"), Env: []string{"=LC_A=1", "$LC_B"}, Lost: "lost"}
			l, _ := Parse([]string{"h", "ls"})
			content := r.Encode(l)

			row.change(t, dir)

			l, _ = Parse([]string{"h", "another"})
			got, holds := decode(content, l)
			if holds != row.holds {
				t.Fatalf("the recipe holds: %v, want %v", holds, row.holds)
			}
			if holds && (got.Socket != "s" || string(got.Before) != "b" || !slices.Equal(got.Env, r.Env) || got.Lost != "lost") {
				t.Errorf("got %+v", got)
			}
			if other, _ := Parse([]string{"-q", "h", "ls"}); holds {
				if _, holds := decode(content, other); holds {
					t.Error("it holds for other words too")
				}
			}
		})
	}
}

// later has the program begin later than it did.
func later(d time.Duration) (restore func()) {
	before := began
	began += int64(d)
	return func() { began = before }
}

func TestWhatHasJustChangedIsNotRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "x")
	l, _ := Parse([]string{"h", "ls"})
	if content := (Recipe{Files: []string{path}}).Encode(l); content != nil {
		t.Errorf("a file that was written after the program began is in the recipe %q", content)
	}
}

func TestTheValuesOfTheEnvironmentAreNotInTheRecipe(t *testing.T) {
	t.Setenv("LC_TOKEN", "winter")
	r := Recipe{Before: []byte("b"), Env: []string{"$LC_TOKEN", "=LC_Y=2", "$LC_MISSING"}}
	l, _ := Parse([]string{"h", "ls"})
	if strings.Contains(string(r.Encode(l)), "winter") {
		t.Error("a value is in the recipe")
	}
	if want := append([]byte("b"), pack("ls", "LC_TOKEN=winter", "LC_Y=2")...); !slices.Equal(r.request("ls"), want) {
		t.Errorf("the request is %q, want %q", r.request("ls"), want)
	}
}

func FuzzRecipe(f *testing.F) {
	f.Add(pack(magic, "about", "socket", "before", string(pack("$LC_A", "")), "lost", "path", "version"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		l, _ := Parse([]string{"h", "ls"})
		r, _ := decode(content, l)
		r.request("ls")
		if texts := unpack(content); texts != nil && !slices.Equal(content, pack(texts...)) {
			t.Errorf("%q is unpacked to %q", content, texts)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

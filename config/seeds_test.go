package config

import (
	"os"
	"path/filepath"
	"testing"
)

// The files of testdata are what research institutes give their people to
// read, with the placeholders filled in; for two texts without a
// configuration, it is the one that their commands ask for.
func TestConfigsOfInstitutesResolveAsSSHDoes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.config")
	if err != nil || len(files) != 5 {
		t.Fatalf("%d files in testdata (%v), want 5", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			paths, err := File(path)
			if err != nil {
				t.Fatal(err)
			}
			c := Load(paths)
			if problems := c.Problems(); len(problems) > 0 {
				t.Errorf("problems: %v", problems)
			}
			for _, name := range append(aliases(c), "someone-else") {
				h, err := c.Resolve(name, Match{})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if why := disagree(h, askSSH(t, paths.User, name, Match{})); why != "" {
					t.Errorf("%s: %s", name, why)
				}
			}
		})
	}
}

func aliases(c *Config) (names []string) {
	for _, e := range c.Hosts() {
		names = append(names, e.Name)
	}
	return names
}

// The system's file is read with the user's unless -F says otherwise. Where
// the person who runs the tests has a configuration, it is left alone.
func TestTheMachinesOwnConfigResolvesAsSSHDoes(t *testing.T) {
	paths, err := DefaultPaths()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(paths.User); err == nil {
		t.Skipf("%s exists", paths.User)
	}
	h, err := Load(paths).Resolve("web", Match{})
	if err != nil {
		t.Error(err)
	}
	if why := disagree(h, askSSH(t, "", "web", Match{})); why != "" {
		t.Error(why)
	}
}

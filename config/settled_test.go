package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAHostIsSettledByItsFilesAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, config string
		also         string // a path among those that decide; "" where more decides
	}{
		{"a plain file", "Host a\n Port 1\n", "config"},
		{"conditions on words", "Match originalhost a user b\n Port 1\nMatch final\n Port 2\n", "config"},
		{"a missing file by its name", "Include DIR/missing\n", "missing"},
		{"files by a pattern", "Include DIR/d/*\n", "d"},
		{"directories by a pattern", "Include DIR/*/config\n", ""},
		{"a file named by the host", "Include DIR/%h\n", ""},
		{"a program, of another host too", "Match originalhost b exec true\n Port 1\n", ""},
		{"the network", "Match localnetwork 127.0.0.0/8\n Port 1\n", ""},
		{"the command", "Match command x\n Port 1\n", ""},
		{"canonical names", "CanonicalizeHostname yes\n", ""},
		{"no canonical names", "CanonicalizeHostname no\n", "config"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(dir, "config")
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(row.config, "DIR", dir)), 0o600); err != nil {
				t.Fatal(err)
			}
			paths, err := File(path)
			if err != nil {
				t.Fatal(err)
			}
			h, err := load(paths, newDialect(newest, false)).Resolve("a", Match{})
			if err != nil {
				t.Fatal(err)
			}
			decide, settled := h.Settled()
			if settled != (row.also != "") || settled && !slices.Contains(decide, filepath.Join(dir, row.also)) {
				t.Errorf("settled: %v, by %q", settled, decide)
			}
		})
	}
}

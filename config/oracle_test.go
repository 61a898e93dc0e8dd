package config

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// answer is what the real ssh says of a host.
type answer struct {
	lines  []string
	stderr []string
	failed bool
}

// oracle bounds how many ssh run at a time.
var oracle = make(chan struct{}, 2)

// askSSH runs ssh -G with the command line of a Match, without -F if file is
// empty.
func askSSH(t *testing.T, file, host string, m Match) answer {
	t.Helper()
	ssh := sshtest.Program(t, "ssh")
	oracle <- struct{}{}
	defer func() { <-oracle }()
	args := append(append([]string{"-G"}, arguments(m)...), "--", host)
	if file != "" {
		args = append([]string{"-F", file}, args...)
	}
	if m.Command != "" {
		args = append(args, m.Command)
	}
	cmd := exec.Command(ssh, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	a := answer{failed: err != nil}
	if stdout.Len() > 0 {
		a.lines = strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	}
	for line := range strings.Lines(stderr.String()) {
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "Pseudo-terminal will not be allocated") {
			a.stderr = append(a.stderr, line)
		}
	}
	return a
}

// arguments are those of ssh for a Match.
func arguments(m Match) (args []string) {
	for _, pair := range [][2]string{{"-l", m.User}, {"-p", m.Port}, {"-J", m.Jump}} {
		if pair[1] != "" {
			args = append(args, pair[0], pair[1])
		}
	}
	for _, o := range m.Options {
		args = append(args, "-o", o)
	}
	return args
}

// write puts files into a new directory and returns its path.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeIn(t, dir, files)
	return dir
}

// writeIn puts files below a directory, so that only we can write them.
func writeIn(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sortedKeys are the keys of a map in an order that a seed can rely on.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheInstalledSSHIsAskedBeforeASave(t *testing.T) {
	askSSH(t, "none", "web", Match{}) // skips where there is none
	dir := t.TempDir()
	writeIn(t, dir, map[string]string{"config": oneHost})
	change := &Change{File: dir + "/config", Before: []byte(oneHost), After: []byte("Host web\n  Port x\n"), Hosts: []string{"web"}}
	refusedWith(t, change.Apply(t.Context(), dir+"/kept"), "Bad port 'x'.")
	unchanged(t, change)
}

func TestJudgingRunsNoProgramOfTheUsers(t *testing.T) {
	dir := t.TempDir()
	text := "Match exec \"touch " + dir + "/ran\"\n  Port 23\nHost web\n  User bob\n"
	change := edited(t, dir, text)
	if err := change.Apply(t.Context(), dir+"/kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/ran"); err == nil {
		t.Error("a Match exec was run")
	}
}

// TestWhatIsAddedAndTakenAwayLeavesNoTrace edits the example files and undoes
// it, in all the ways in which a file may end its lines.
func TestWhatIsAddedAndTakenAwayLeavesNoTrace(t *testing.T) {
	files, err := filepath.Glob("testdata/*.config")
	if err != nil || len(files) == 0 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	for _, path := range files {
		read, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(read)
		for name, text := range map[string]string{
			"as it is":               text,
			"with CRLF":              strings.ReplaceAll(text, "\n", "\r\n"),
			"without a last newline": strings.TrimRight(text, "\n"),
			"with tabs":              strings.ReplaceAll(text, "    ", "\t"),
		} {
			paths := Paths{User: "/nonexistent/config", Home: "/nonexistent"}
			c := loadWith(paths, newDialect(v9_2, true), &overlay{path: paths.User, text: text})
			for _, h := range c.Hosts() {
				undone(t, path+" "+name, c, AddForward{h.Name, "LocalForward", "65000:localhost:1"}, RemoveForward{h.Name, "", "65000"})
			}
			undone(t, path+" "+name, c, AddHost{Name: "new", Options: []Assignment{{"HostName", "x"}}, Tags: []string{"t"}}, RemoveHost{"new"})
		}
	}
}

func undone(t *testing.T, what string, c *Config, do, undo Edit) {
	t.Helper()
	change, err := c.Edit(do, undo)
	if err != nil {
		t.Errorf("%s: %+v: %v", what, do, err)
	} else if diff := change.Diff(); diff != "" {
		t.Errorf("%s: %+v and %+v leave\n%s", what, do, undo, diff)
	}
}

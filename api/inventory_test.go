package api

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/config"
)

func TestMistakesAreAmongTheProblemsOfTheirHosts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	const text = "Host a\n  User x\n  User y\nHost b\n  BatchMode no\n  BatchMode no\n  Ciphers +3des-cbc\nHost c\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v := ReadInventory(config.Paths{User: path, Home: filepath.Dir(path), Explicit: true})
	if d := v.Detail("a"); len(d.Problems) > 0 {
		t.Errorf("before Check: %v", d.Problems)
	}
	if n := len(v.Check(func() {})); n != 3 {
		t.Errorf("%d findings, want 3", n)
	}
	shadowed := config.Problem{
		Origin:  config.Origin{File: path, Line: 3, Block: "Host a"},
		Message: "this User never takes effect: User is set before it at " + path + `:2, under "Host a". Remove the line, or put it above ` + path + ":2.",
	}
	if diff := cmp.Diff([]config.Problem{shadowed}, v.Detail("a").Problems); diff != "" {
		t.Errorf("a: -want +got\n%s", diff)
	}
	if n := len(v.Detail("b").Problems); n != 2 {
		t.Errorf("b: %d problems, want 2", n)
	}
	if p := v.Detail("c").Problems; len(p) > 0 {
		t.Errorf("c: %v", p)
	}
}

func TestAHostKnowsTheIncludedFileThatNamesIt(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"config": "Host a\nHost *\nInclude " + dir + "/more.conf\n", "more.conf": "# Tags: x\nHost a b\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := ReadInventory(config.Paths{User: dir + "/config", Home: dir, Explicit: true})
	if got := v.Host("a").File; got != "" {
		t.Errorf("a is of the main file, and said to be of %q", got)
	}
	b := v.Host("b")
	if diff := cmp.Diff([]string{"b", b.User, "", "more.conf", "x"}, b.Fields()); diff != "" {
		t.Errorf("b: -want +got\n%s", diff)
	}
}

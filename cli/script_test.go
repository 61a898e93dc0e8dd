package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){
		"sallyport": func() {
			os.Exit(Main(context.Background(), Arguments(os.Args), Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// program NAME has a file of the script be one that can be run.
func program(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		text, path := ts.ReadFile(name), ts.MkAbs(name)
		ts.Check(os.Remove(path)) // somebody may hold it open for writing
		ts.Check(sshtest.WriteProgram(path, text))
	}
}

// installed answers [program:NAME], by which a script asks for the real thing.
// It is never false where CI must have all programs.
func installed(condition string) (bool, error) {
	name, ok := strings.CutPrefix(condition, "program:")
	if !ok {
		return false, fmt.Errorf("no condition %q", condition)
	}
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		return false, fmt.Errorf("%s is missing, and CI must have it", name)
	}
	return err == nil, nil
}

// TestScripts runs command lines as a person would type them. Each script has
// its own place for the background process, and ends it.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:       "testdata/script",
		Condition: installed,
		Cmds:      map[string]func(*testscript.TestScript, bool, []string){"program": program},
		Setup: func(env *testscript.Env) error {
			// A socket's path is short, and the work directory of a test is not.
			run, err := os.MkdirTemp("", "sp")
			if err != nil {
				return err
			}
			env.Defer(func() {
				c := &api.Client{Socket: filepath.Join(run, "sallyport", "daemon.sock")}
				_, _ = c.Stop(context.Background()) // only a script that fails leaves it
				os.RemoveAll(run)
			})
			env.Setenv("XDG_RUNTIME_DIR", run)
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("LANG", "C.UTF-8")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second to end
			return nil
		},
	})
}

package start

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// TestMain also is a program that prints on how many processors it runs, at
// its start, after All and after One.
func TestMain(m *testing.M) {
	if os.Getenv("START_PRINT") == "" {
		os.Exit(m.Run())
	}
	began := runtime.GOMAXPROCS(0)
	All()
	all := runtime.GOMAXPROCS(0)
	One()
	println(began, all, runtime.GOMAXPROCS(0))
}

func TestAProgramBeginsOnOneProcessor(t *testing.T) {
	for _, row := range []struct{ name, set, want string }{
		{"nothing is set", "", fmt.Sprintln(1, runtime.NumCPU(), 1)},
		{"GOMAXPROCS is set", "GOMAXPROCS=3", fmt.Sprintln(3, 3, 3)},
	} {
		t.Run(row.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = []string{"START_PRINT=1", "GODEBUG=containermaxprocs=0", row.set}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != row.want {
				t.Errorf("at its start, after All and after One it runs on %q processors, %v; want %q", out, err, row.want)
			}
		})
	}
}

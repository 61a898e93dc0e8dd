package start

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// programs are what TestMain also is, by the value of START.
var programs = map[string]func(){"print": print}

func TestMain(m *testing.M) {
	if run := programs[os.Getenv("START")]; run != nil {
		run()
		return
	}
	os.Exit(m.Run())
}

// print tells on how many processors the program runs, at its start, after All
// and after One.
func print() {
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
			cmd.Env = []string{"START=print", "GODEBUG=containermaxprocs=0", row.set}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != row.want {
				t.Errorf("at its start, after All and after One it runs on %q processors, %v; want %q", out, err, row.want)
			}
		})
	}
}

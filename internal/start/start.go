// Package start has the program begin on one processor. What happens before a
// command's first word, and in a login, is a row of steps of which each waits
// for the one before: a second processor only wakes and sleeps beside them and
// has memory of its own touched, which is a sixth of the processor time of a
// login. What carries streams stays on one: each packet passes from goroutine to
// goroutine, which on several processors wakes and sleeps another thread each
// time, for up to twice the time and the processor time. Whoever has work for
// more processors asks for them by All.
//
// It must import next to nothing: packages are initialized in the order of
// their paths, each after what it imports (Go specification, "Program
// initialization"), so that this one precedes whatever needs the time, files
// or the network.
package start

import (
	"runtime"
	"syscall"
)

// confined tells that one processor is our choice: a person who has set
// GOMAXPROCS knows better.
var confined = func() bool {
	_, set := syscall.Getenv("GOMAXPROCS")
	if !set {
		runtime.GOMAXPROCS(1)
	}
	return !set
}()

// Processors is All or One.
func Processors(all bool) {
	if all {
		All()
	} else {
		One()
	}
}

// All has the program run on all processors.
func All() {
	if confined {
		runtime.SetDefaultGOMAXPROCS()
	}
}

// One has the program go back to one processor.
func One() {
	if confined {
		runtime.GOMAXPROCS(1)
	}
}

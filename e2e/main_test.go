//go:build linux

package e2e

import (
	"fmt"
	"os"
	"testing"
)

// roleVariable names what this test binary is to be instead of a test run: the
// first process of a machine, or one of the small servers and clients that no
// Debian package has in the shape that a test needs.
const roleVariable = "SALLYPORT_E2E_ROLE"

var roles = map[string]func(args []string) error{
	"init":            runInit,
	"reply-at-eof":    runReplyAtEOF,
	"speak-then-hear": runSpeakThenHear,
	"half-close":      runHalfClose,
	"hear-then-speak": runHearThenSpeak,
	"one-time-code":   runOneTimeCode,
	"hostile-server":  runHostileServer,
	"echo":            runEcho,
	"talk":            runTalk,
	"exchange":        runExchange,
	"sleeper":         runSleeper,
	"clock":           runClock,
	"pour":            runPour,
	"drink":           runDrink,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	status := m.Run()
	closeLab()
	os.Exit(status)
}

func play(role string) int {
	run, ok := roles[role]
	if !ok {
		fmt.Fprintf(os.Stderr, "no role is called %q\n", role)
		return 2
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

//go:build linux || darwin || freebsd

package mux

import (
	"maps"
	"testing"

	"github.com/creack/pty"

	"sallyport/internal/rfc4254"
)

func TestATerminalForAMasterHasTheModesThatWereAsked(t *testing.T) {
	near, far, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	defer far.Close()
	want := TerminalModes(int(far.Fd()))
	want[3], want[5], want[36], want[53], want[70] = 8, 255, 0, 0, 0 // VERASE, VEOF, ICRNL, ECHO, OPOST
	setModes(int(far.Fd()), rfc4254.DecodeModes(rfc4254.EncodeModes(want)))
	if got := TerminalModes(int(far.Fd())); !maps.Equal(got, want) {
		t.Errorf("the modes are %v, want %v", got, want)
	}
}

//go:build linux || darwin || freebsd

package mux

import (
	"maps"
	"testing"

	"github.com/creack/pty"
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
	setModes(int(far.Fd()), decodeModes(encodeModes(want)))
	if got := TerminalModes(int(far.Fd())); !maps.Equal(got, want) {
		t.Errorf("the modes are %v, want %v", got, want)
	}
}

func FuzzModes(f *testing.F) {
	for _, text := range []string{"", "\x00", "\x35\x00\x00\x00\x01\x00", "\x35\x00\x00", "\xff\x00\x00\x00\x00", "\x80\x00\x00\x96\x00\x81\x00\x00\x96\x00\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		modes := decodeModes(text)
		if again := decodeModes(encodeModes(modes)); !maps.Equal(again, modes) {
			t.Errorf("%q is %v, and then %v", text, modes, again)
		}
	})
}

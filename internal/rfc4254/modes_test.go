package rfc4254

import (
	"maps"
	"testing"
)

func TestModesAreEncodedInOrder(t *testing.T) {
	got := EncodeModes(map[uint8]uint32{53: 1, 1: 3, 128: 38400, 0: 7})
	want := "\x01\x00\x00\x00\x03" + "\x35\x00\x00\x00\x01" + "\x80\x00\x00\x96\x00" + "\x00"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzModes(f *testing.F) {
	for _, text := range []string{"", "\x00", "\x35\x00\x00\x00\x01\x00", "\x35\x00\x00", "\xff\x00\x00\x00\x00", "\x80\x00\x00\x96\x00\x81\x00\x00\x96\x00\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		modes := DecodeModes(text)
		if again := DecodeModes(EncodeModes(modes)); !maps.Equal(again, modes) {
			t.Errorf("%q is %v, and then %v", text, modes, again)
		}
	})
}

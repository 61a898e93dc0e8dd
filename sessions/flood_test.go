package sessions

import (
	"testing"
	"time"
)

func TestFloodIsMuchInShortTime(t *testing.T) {
	for _, row := range []struct {
		name  string
		piece int
		every time.Duration
		want  bool
	}{
		{"a person who types", 10, 50 * time.Millisecond, false},
		{"a program that draws its screen", 20 << 10, 16 * time.Millisecond, false},
		{"cat of a file", 4 << 10, 50 * time.Microsecond, true},
		{"the same over a slow line", 4 << 10, 2 * time.Millisecond, false},
	} {
		var f flood
		got, now := false, time.Now()
		for range 1000 {
			got = f.rises(now, row.piece) || got
			now = now.Add(row.every)
		}
		if got != row.want {
			t.Errorf("%s: a flood is %v, want %v", row.name, got, row.want)
		}
	}
}

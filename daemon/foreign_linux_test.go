package daemon

import "testing"

func TestStandingOfAProcess(t *testing.T) {
	for _, row := range []struct {
		name, line string
		want       standing
		known      bool
	}{
		{"in front", "11329 (sallyport) S 11249 11329 11249 34817 11329 4194560 1 2 3\n", standing{'S', 11329, 34817, 11329}, true},
		{"stopped behind a shell", "7 (sallyport) T 5 7 5 34817 5 0 0\n", standing{'T', 7, 34817, 5}, true},
		{"a name that looks like more", "7 (a) R 1 2 3 4 5 (b) ) S 5 7 5 34817 7 0\n", standing{'S', 7, 34817, 7}, true},
		{"no terminal", "7 (sallyport) S 1 7 7 0 -1 0\n", standing{'S', 7, 0, -1}, true},
		{"cut off", "7 (sallyport) S 1 7", standing{state: 'S'}, false},
		{"nothing", "", standing{}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, known := standingOf([]byte(row.line)); got != row.want || known != row.known {
				t.Errorf("%+v, known %v; want %+v, %v", got, known, row.want, row.known)
			}
		})
	}
}

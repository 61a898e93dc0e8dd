package config

import (
	"strings"
	"testing"
	"testing/iotest"
)

func TestTheDialectIsReadOffTheProgram(t *testing.T) {
	pad := func(n int) string { return strings.Repeat("\x00", n) }
	for _, row := range []struct {
		name, program string
		release       string
		debian        bool
	}{
		{"a program of upstream", pad(1000) + "OpenSSH_9.4p1\x00" + pad(1000), "OpenSSH_9.4", false},
		{"a program of Debian", pad(10) + "OpenSSH_9.2p1 Debian-2+deb12u3\x00", "OpenSSH_9.2", true},
		{"the banner ends the program", pad(10) + "OpenSSH_9.9p2", "OpenSSH_9.9", false},
		{"the banner lies across two parts", pad(partSize-12) + "OpenSSH_9.6p1 Ubuntu-3\x00" + pad(1000), "OpenSSH_9.6", true},
		{"the banner begins in the last bytes of a part", pad(partSize-1) + "OpenSSH_9.6p1\x00" + pad(100<<10), "OpenSSH_9.6", false},
		{"the banner lies far in", pad(900<<10) + "OpenSSH_9.3p1\x00" + pad(100<<10), "OpenSSH_9.3", false},
		{"a banner without a patch level", pad(10) + "OpenSSH_10.0 Debian-7\x00", "OpenSSH_10.0", true},
		{"something else of that name", pad(10) + "OpenSSH_for_Windows\x00" + pad(100), newDialect(newest, false).release(), false},
		{"a program without one", pad(200 << 10), newDialect(newest, false).release(), false},
		{"an empty program", "", newDialect(newest, false).release(), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := dialectOf(iotest.HalfReader(strings.NewReader(row.program)))
			if got.release() != row.release || got.debian != row.debian {
				t.Errorf("the dialect is %s, Debian's %v; want %s, %v", got.release(), got.debian, row.release, row.debian)
			}
		})
	}
}

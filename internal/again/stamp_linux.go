package again

import "syscall"

// version tells versions of a file apart without reading it.
type version struct {
	text    string
	changed int64 // ns since 1970
}

// look is the zero version where there is no file, or none that can be looked
// at.
func look(path string) version {
	var s syscall.Stat_t
	if syscall.Stat(path, &s) != nil {
		return version{}
	}
	var b []byte
	for _, n := range []uint64{
		uint64(s.Dev), s.Ino, uint64(s.Mode), uint64(s.Size), uint64(s.Mtim.Nano()), uint64(s.Ctim.Nano()),
	} {
		for shift := 0; shift < 64; shift += 8 {
			b = append(b, byte(n>>shift))
		}
	}
	return version{string(b), s.Ctim.Nano()}
}

// tick is how far behind the clock the kernel may be when it says when a file
// was changed: one interrupt of its timer, at 100 a second.
const tick = 10_000_000

// began is when the program began, in ns since 1970.
var began = func() int64 {
	var now syscall.Timeval
	if syscall.Gettimeofday(&now) != nil {
		return 0
	}
	return now.Nano()
}()

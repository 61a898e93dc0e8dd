//go:build !linux

package again

// version tells versions of a file apart without reading it.
type version struct {
	text    string
	changed int64 // ns since 1970
}

// Nothing is remembered here: every file has just changed.
func look(string) version { return version{changed: 1} }

const tick = 0

var began int64

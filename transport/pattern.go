package transport

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first needed:
// most runs of the program need none, and all would wait for it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

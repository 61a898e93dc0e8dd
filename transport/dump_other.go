//go:build unix && !linux

package transport

// keepFromDumps does nothing: only Linux can do it by page.
func keepFromDumps([]byte) {}

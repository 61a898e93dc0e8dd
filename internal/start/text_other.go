//go:build !linux || (!amd64 && !arm64)

package start

// Unmap does nothing: the code is mapped as it is used.
func Unmap() {}

//go:build !unix

package transport

// lockedMemory is plain memory: what else there is here is not tried.
func lockedMemory(n int) (bytes []byte, free func()) { return make([]byte, n), func() {} }

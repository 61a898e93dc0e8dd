package mux

import "sallyport/internal/brisk"

// peerUID is the uid of the process at the other end of a unix socket.
func peerUID(fd int) (int, error) {
	_, uid, err := brisk.Peer(uintptr(fd))
	return uid, err
}

// peerPID is the process that has connected.
func peerPID(fd int) int {
	pid, _, _ := brisk.Peer(uintptr(fd)) // 0 if it cannot be told
	return pid
}

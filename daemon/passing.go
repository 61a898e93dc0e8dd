package daemon

import (
	"fmt"
	"io"
	"net"
	"os"

	"sallyport/mux"
)

// sendFile passes a file with the name of what it is: one byte for the length
// of the name, the name, and the descriptor.
func sendFile(to *net.UnixConn, name string, f *os.File) error {
	if len(name) > 255 {
		return fmt.Errorf("the name %q is too long", name)
	}
	if _, err := to.Write(append([]byte{byte(len(name))}, name...)); err != nil {
		return err
	}
	return mux.SendFile(to, f)
}

// receiveFile is the other end of sendFile; io.EOF once there are no more.
func receiveFile(from *net.UnixConn) (name string, f *os.File, err error) {
	var length [1]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return "", nil, err
	}
	text := make([]byte, length[0])
	if _, err := io.ReadFull(from, text); err != nil {
		return "", nil, err
	}
	fd, err := mux.ReceiveFile(from)
	if err != nil {
		return "", nil, err
	}
	return string(text), os.NewFile(uintptr(fd), "listener"), nil
}

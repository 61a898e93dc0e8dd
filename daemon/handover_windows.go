package daemon

import (
	"io"
	"net"
	"os"

	"sallyport/api"
)

// heirSockets fails: Windows passes no listeners between processes this way.
func heirSockets() (*net.UnixConn, *os.File, error) {
	return nil, nil, &api.Error{
		Code:    api.CodeInternal,
		Message: "on Windows a background process cannot hand its ports over to the next one",
		Hints:   []string{"sallyport daemon stop; the next one starts when it is needed"},
	}
}

func sendFile(*net.UnixConn, string, *os.File) error { return os.ErrInvalid }

func receiveFile(*net.UnixConn) (string, *os.File, error) { return "", nil, io.EOF }

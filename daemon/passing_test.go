//go:build unix

package daemon

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"sallyport/mux"
)

func TestFilesArePassedWithTheirNames(t *testing.T) {
	from, file, err := mux.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	to := conn.(*net.UnixConn)
	defer to.Close()
	names := []string{"a", "", strings.Repeat("x", 255)}
	for _, name := range names {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := sendFile(from, name, w); err != nil {
			t.Fatal(err)
		}
		w.Close()
		got, passed, err := receiveFile(to)
		if err != nil || got != name {
			t.Fatalf("%q came as %q, %v", name, got, err)
		}
		io.WriteString(passed, name)
		passed.Close()
		if text, err := io.ReadAll(r); err != nil || string(text) != name {
			t.Errorf("the file of %q says %q, %v", name, text, err)
		}
		r.Close()
	}
	if err := sendFile(from, strings.Repeat("x", 256), os.Stderr); err == nil {
		t.Error("a name of 256 bytes was sent")
	}
	from.Write([]byte{1, 'x', 0}) // a byte that no descriptor comes with
	if _, _, err := receiveFile(to); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a name without a file: %v", err)
	}
	from.Close()
	if _, _, err := receiveFile(to); err == nil {
		t.Error("there was one more file after the last")
	}
}

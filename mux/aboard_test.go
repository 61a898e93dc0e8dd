//go:build linux || darwin || freebsd

package mux_test

import (
	"errors"
	"io"
	"testing"

	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// TestASessionThatWasClosedBeforeItBeganTakesNoMore has a terminal resized
// after it, as a window does at any time.
func TestASessionThatWasClosedBeforeItBeganTakesNoMore(t *testing.T) {
	t.Parallel()
	s := sshtest.StartServer(t)
	c := dial(t, s.StartMaster(t).Socket)
	conn, _, _ := c.Aboard()
	channel, requests, err := conn.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	terminal := ssh.Marshal(struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}{Term: "vt100", Cols: 80, Rows: 24})
	if ok, err := channel.SendRequest("pty-req", true, terminal); !ok || err != nil {
		t.Fatalf("a terminal: %v, %v", ok, err)
	}
	channel.Close()
	channel.Close()
	if _, open := <-requests; open {
		t.Error("it has something to say")
	}
	window := ssh.Marshal(struct{ Cols, Rows, Width, Height uint32 }{100, 30, 0, 0})
	for name, payload := range map[string][]byte{"window-change": window, "shell": nil} {
		if ok, err := channel.SendRequest(name, true, payload); ok || !errors.Is(err, io.EOF) {
			t.Errorf("%s after the end: %v, %v", name, ok, err)
		}
	}
}

package mux

import (
	"bytes"
	"net"
	"sync"
)

// greeted is a control connection in proxy mode for
// ssh.NewControlClientConn, which wants to greet and to ask for proxy mode by
// itself: both have been done, so its greeting goes nowhere and is answered
// here. Behind the greeting both sides of proxy mode speak alike, so the
// function serves the master's side too.
type greeted struct {
	net.Conn

	mu      sync.Mutex // guards both
	skip    int        // bytes still to be taken from what is written
	answers *bytes.Reader
}

func newGreeted(c net.Conn) *greeted {
	return &greeted{
		Conn:    c,
		skip:    len(transcript(&helloMsg{Version: version}, &proxyMsg{})),
		answers: bytes.NewReader(transcript(&helloMsg{Version: version}, &proxyOKMsg{})),
	}
}

// transcript is what messages are on the wire.
func transcript(messages ...message) []byte {
	var b bytes.Buffer
	for _, m := range messages {
		_ = writeMessage(&b, m) // a buffer takes all
	}
	return b.Bytes()
}

func (g *greeted) Write(p []byte) (int, error) {
	g.mu.Lock()
	taken := min(g.skip, len(p))
	g.skip -= taken
	g.mu.Unlock()
	if taken == len(p) {
		return taken, nil
	}
	n, err := g.Conn.Write(p[taken:])
	return taken + n, err
}

func (g *greeted) Read(p []byte) (int, error) {
	g.mu.Lock()
	n, _ := g.answers.Read(p) // at its end the connection goes on
	g.mu.Unlock()
	if n > 0 {
		return n, nil
	}
	return g.Conn.Read(p)
}

package api

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"

	"sallyport/internal/brisk"
	"sallyport/sessions"
)

// FrameKind is the first byte of a frame. A frame is its kind, the length of
// its payload as four bytes, big-endian, and the payload.
type FrameKind byte

const (
	FrameHello  FrameKind = 'h' // from the background process, first: Hello as JSON
	FrameReady  FrameKind = 'r' // the shell or command runs: Ready as JSON
	FrameStdout FrameKind = 'o'
	FrameStderr FrameKind = 'e'
	FrameWarn   FrameKind = 'n' // a warning of ssh's, apart from standard error for who asks for that
	FrameExit   FrameKind = 'x' // last: sessions.Exit as JSON
	FrameStdin  FrameKind = 'i' // from the viewer, within its window; empty at the end of input
	FrameTaken  FrameKind = 't' // by how many bytes the window is open again, as JSON
	FrameResize FrameKind = 'w' // sessions.Size as JSON
	FrameSignal FrameKind = 's' // the name of a signal, without SIG
	FrameBreak  FrameKind = 'b' // a break (RFC 4335)
	FrameUnread FrameKind = 'u' // nobody reads the output any more
	FrameInform FrameKind = 'f' // the viewer wants to be told of the connection, on its standard error
	FrameDetach FrameKind = 'd' // the viewer wants to leave a session that goes on; then, as the last, that it has left
	FrameEnd    FrameKind = 'q' // the session shall end
	FrameOffer  FrameKind = 'l' // from the viewer: Offer as JSON
	FrameBorrow FrameKind = 'y' // the terminal is wanted
	FrameLend   FrameKind = 'g' // from the viewer: Lent as JSON
	FrameReturn FrameKind = 'z' // 1 at the start of a line, else 0; then what was typed
)

// MaxFrame is the longest payload that is accepted, in bytes.
const MaxFrame = 1 << 20

// Hello says what was opened.
type Hello struct {
	ID    string   `json:"id"`             // sessions.Status.ID
	Name  string   `json:"name,omitempty"` // sessions.Status.Name
	Links []string `json:"links"`          // first hop first
}

// Ready says how it runs.
type Ready struct {
	PTY  bool `json:"pty"`            // whether the far side gave it a terminal
	Kept bool `json:"kept,omitempty"` // it outlives its viewers
	// Window is how much may be typed that was not taken yet, in bytes. Other
	// frames pass by what waits.
	Window int `json:"window"`
}

// FrameWriter writes frames, one at a time, from any goroutine.
type FrameWriter struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
}

// NewFrameWriter writes frames to w.
func NewFrameWriter(w io.Writer) *FrameWriter { return &FrameWriter{w: w} }

// writeBoth writes the buffer and a payload behind it without a copy.
func (f *FrameWriter) writeBoth(payload []byte) error {
	if b, ok := f.w.(*brisk.Conn); ok {
		_, err := b.WriteBoth(f.buf, payload)
		return err
	}
	both := net.Buffers{f.buf, payload}
	_, err := both.WriteTo(f.w)
	return err
}

// copied is the longest payload that is worth a copy, in bytes.
const copied = 8 << 10

// Write sends one frame. The payload is at most MaxFrame bytes.
func (f *FrameWriter) Write(kind FrameKind, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf = append(f.buf[:0], byte(kind))
	f.buf = binary.BigEndian.AppendUint32(f.buf, uint32(len(payload)))
	if len(payload) > copied {
		return f.writeBoth(payload)
	}
	f.buf = append(f.buf, payload...)
	_, err := f.w.Write(f.buf)
	if kind == FrameStdin || kind == FrameReturn {
		clear(f.buf) // what is typed may be a secret
	}
	return err
}

// WriteJSON sends v as a frame.
func (f *FrameWriter) WriteJSON(kind FrameKind, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.Write(kind, payload)
}

// Stream is an io.Writer whose writes become frames of one kind.
func (f *FrameWriter) Stream(kind FrameKind) io.Writer { return &frameStream{f, kind} }

type frameStream struct {
	f    *FrameWriter
	kind FrameKind
}

func (s *frameStream) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		chunk := p[n:min(len(p), n+MaxFrame)]
		if err := s.f.Write(s.kind, chunk); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	return len(p), nil
}

// ReadFrame reads one frame into buf, which grows as needed and is returned
// as the payload. An oversized frame is an error.
func ReadFrame(r io.Reader, buf []byte) (FrameKind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, buf[:0], err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > MaxFrame {
		return 0, buf[:0], fmt.Errorf("frame of %d bytes is over the limit of %d", n, MaxFrame)
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := io.ReadFull(r, buf)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return FrameKind(head[0]), buf, err
}

// exitOf reads the payload of a FrameExit.
func exitOf(payload []byte) (sessions.Exit, error) {
	var exit sessions.Exit
	if err := json.Unmarshal(payload, &exit); err != nil {
		return sessions.Exit{Status: 255}, fmt.Errorf("reading the exit of a session: %w", err)
	}
	return exit, nil
}

// readyOf reads the payload of a FrameReady.
func readyOf(payload []byte) (r Ready) {
	_ = json.Unmarshal(payload, &r) // without it nothing is ready in a special way
	return r
}

// takenOf reads the payload of a FrameTaken.
func takenOf(payload []byte) (n int) {
	_ = json.Unmarshal(payload, &n) // without it the window stays as it is
	return n
}

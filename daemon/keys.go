package daemon

import (
	"encoding/json"
	"io"

	"sallyport/api"
	"sallyport/sessions"
)

// keys are what a viewer does to a session.
type keys interface {
	Type(p []byte) // nothing is the end of input
	Resize(sessions.Size)
	Signal(name string)
	Break(milliseconds uint32)
	Detach()
	End()
}

func receive(k keys, kind api.FrameKind, payload []byte) {
	switch kind {
	case api.FrameStdin:
		k.Type(payload)
		clear(payload) // what is typed may be a secret
	case api.FrameResize:
		var size sessions.Size
		if json.Unmarshal(payload, &size) == nil {
			k.Resize(size)
		}
	case api.FrameSignal:
		k.Signal(string(payload))
	case api.FrameBreak:
		k.Break(sessions.BreakLength)
	case api.FrameDetach:
		k.Detach()
	case api.FrameEnd:
		k.End()
	}
}

// sessionKeys are those of a session's one viewer, with which it ends.
type sessionKeys struct {
	*sessions.Session
	typed *io.PipeWriter
	gone  func()
}

func (k sessionKeys) Type(p []byte) {
	if len(p) == 0 {
		k.typed.Close()
		return
	}
	_, _ = k.typed.Write(p) // fails once the session takes no more input
}

func (k sessionKeys) Detach() { k.gone() }

func (k sessionKeys) End() { k.gone() }

// shellKeys are those of a viewer of a shell.
type shellKeys struct {
	d *daemon
	*sessions.Shell
	viewer *sessions.Viewer
}

func (k shellKeys) Type(p []byte) { k.viewer.Type(p) }

func (k shellKeys) Resize(size sessions.Size) { k.viewer.Resize(size) }

func (k shellKeys) Detach() { k.viewer.Leave() }

func (k shellKeys) End() {
	if !k.viewer.ReadOnly() {
		k.d.dismiss(k.Shell)
	}
}

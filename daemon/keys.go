package daemon

import (
	"context"
	"encoding/json"

	"sallyport/api"
	"sallyport/sessions"
)

// keys are what a viewer does to a session.
type keys interface {
	Type(p []byte, taken func(n int)) // see sessions.Typing.Type; nothing is the end of input
	Resize(sessions.Size)
	Signal(name string)
	Break(milliseconds uint32)
	Unread()
	Information(ctx context.Context) string
	Detach()
	End()
}

func (v *viewer) receive(ctx context.Context, kind api.FrameKind, payload []byte) {
	k := v.keys
	switch kind {
	case api.FrameStdin:
		k.Type(payload, v.typed.taken)
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
	case api.FrameUnread:
		k.Unread()
	case api.FrameInform:
		v.out.Write(api.FrameStderr, []byte(k.Information(ctx))) // the viewer may have gone
	case api.FrameDetach:
		k.Detach()
	case api.FrameEnd:
		k.End()
	case api.FrameOffer:
		var o api.Offer
		if json.Unmarshal(payload, &o) == nil {
			v.loan.offer(o)
		}
	case api.FrameLend:
		var a api.Lent
		if json.Unmarshal(payload, &a) == nil {
			v.loan.lent(a, &v.running)
		}
	}
}

// sessionKeys are those of a session's one viewer, with which it ends.
type sessionKeys struct {
	*sessions.Session
	typing *sessions.Typing
	gone   func()
}

func (k sessionKeys) Type(p []byte, taken func(int)) {
	if len(p) == 0 {
		k.typing.End()
		return
	}
	k.typing.Type(p, taken)
}

func (k sessionKeys) Detach() { k.gone() }

func (k sessionKeys) End() { k.gone() }

// shellKeys are those of a viewer of a shell.
type shellKeys struct {
	d *daemon
	*sessions.Shell
	viewer *sessions.Viewer
}

func (k shellKeys) Type(p []byte, taken func(int)) { k.viewer.Type(p, taken) }

func (k shellKeys) Resize(size sessions.Size) { k.viewer.Resize(size) }

// Unread changes nothing: a shell has, or may have, others who read it.
func (k shellKeys) Unread() {}

func (k shellKeys) Detach() { k.viewer.Leave() }

func (k shellKeys) End() {
	if !k.viewer.ReadOnly() {
		k.d.dismiss(k.Shell)
	}
}

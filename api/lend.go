package api

import "time"

// A viewer lends its terminal to the background process, which then reads and
// writes it itself: a key and its echo pass through no process more than with
// ssh. One of the two has the terminal at any time:
//
//	viewer                            background process
//	  | FrameOffer: it may have it            |
//	  |-------------------------------------->| nothing, or, behind all that was shown:
//	  |                           FrameBorrow |
//	  |<--------------------------------------|
//	  | FrameLend, behind all that was typed  |
//	  |-------------------------------------->| reads and writes it, until it reads what is the
//	  |                           FrameReturn | viewer's, or the viewer is stopped or behind others
//	  |<--------------------------------------|
//
// While it has the terminal the viewer does as ever. Who does not know these
// frames passes over them.

// Offer says that the terminal on the viewer's standard input may be borrowed.
type Offer struct {
	Escape byte `json:"escape"` // what comes behind it at the start of a line is the viewer's; 0 for none
}

// Lent answers FrameBorrow.
type Lent struct {
	Lent      bool `json:"lent"`      // false: not at this moment
	LineStart bool `json:"lineStart"` // what is typed next begins a line
}

// Lender is who has the terminal of a Terminal.
type Lender interface {
	// Lend reads the terminal no more until Return, unless the answer is that
	// it goes on.
	Lend() Lent
	// Return gives the terminal back, with what was read and not looked at.
	// The next byte may begin a line.
	Return(lineStart bool, typed []byte)
}

// leaveMoment is how long a viewer that leaves waits for its terminal: longer
// than it takes, unless the background process hangs.
const leaveMoment = time.Second

// LendBy has the terminal lent by l when it was offered. It is called before
// Attach.
func (t *Terminal) LendBy(l Lender) { t.lender = l }

// Offer says that the terminal may be borrowed.
func (t *Terminal) Offer(o Offer) error { return t.out.WriteJSON(FrameOffer, o) }

// lend answers FrameBorrow.
func (t *Terminal) lend() error {
	var answer Lent
	if t.lender != nil {
		answer = t.lender.Lend()
	}
	return t.out.WriteJSON(FrameLend, answer)
}

// returned takes the terminal back.
func (t *Terminal) returned(payload []byte) {
	if t.lender != nil && len(payload) > 0 {
		t.lender.Return(payload[0] != 0, payload[1:])
	}
	clear(payload) // what is typed may be a secret
}

// leave ends the request. A terminal that may be lent comes back first, or else
// it would be read and written beside whoever has it next: nothing is lent once
// our side is closed, and theirs is when they have let go.
func (t *Terminal) leave() {
	end, ok := t.conn.(interface{ CloseWrite() error })
	if t.lender != nil && ok && end.CloseWrite() == nil {
		select {
		case <-t.ended:
		case <-time.After(leaveMoment):
		}
	}
	t.stop()
}

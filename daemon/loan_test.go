package daemon

import (
	"net"
	"testing"

	"sallyport/api"
)

func TestWhatIsBehindAnEscapeIsTheViewers(t *testing.T) {
	for _, row := range []struct {
		name        string
		atStart     bool
		escape      byte
		read        string
		typed, rest string
		thenAtStart bool
	}{
		{"a word", true, '~', "word", "word", "", false},
		{"a line", false, '~', "line\r", "line\r", "", true},
		{"an escape at the start", true, '~', "~.x", "", "~.x", true},
		{"the character in a line", false, '~', "a~b", "a~b", "", false},
		{"an escape after a newline", false, '~', "a\n~d", "a\n", "~d", true},
		{"the character alone", true, '~', "~", "", "~", true},
		{"another character", true, '^', "~.\r^x", "~.\r", "^x", true},
		{"none", true, 0, "~.\r\x00.", "~.\r\x00.", "", false},
		{"nothing", true, '~', "", "", "", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			atStart := row.atStart
			typed, rest := split([]byte(row.read), row.escape, &atStart)
			if string(typed) != row.typed || string(rest) != row.rest || atStart != row.thenAtStart {
				t.Errorf("typed %q, rest %q, at the start %v; want %q, %q, %v", typed, rest, atStart, row.typed, row.rest, row.thenAtStart)
			}
		})
	}
}

// TestAnOfferOfWhatCannotBeOpenedIsPassedOver as of a viewer that the process
// cannot find, whose output then comes as frames.
func TestAnOfferOfWhatCannotBeOpenedIsPassedOver(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	l := newLoan(api.NewFrameWriter(near), 0)
	l.types = func([]byte, func(int)) { t.Error("something was typed") }
	l.offer(api.Offer{Escape: '~'})
	out := l.shown(api.NewFrameWriter(near).Stream(api.FrameStdout))
	go out.Write([]byte("words")) // it is read below
	kind, payload, err := api.ReadFrame(far, nil)
	if kind != api.FrameStdout || string(payload) != "words" || err != nil {
		t.Errorf("after the offer came %q %q, %v; want what is shown", kind, payload, err)
	}
	l.release()
	if n, err := out.Write([]byte("late")); n != 0 || err == nil {
		t.Errorf("after its release %d bytes were written, %v", n, err)
	}
}

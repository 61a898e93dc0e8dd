package ui

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"
)

func TestATerminalOfTheSeventiesIsNotWaitedFor(t *testing.T) {
	info, err := tcell.LookupTerminfo("vt100")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		info.TPuts(io.Discard, info.TGoto(1, 1))
		if time.Now().Equal(began) {
			t.Fatal("tcell does not wait for a vt100: there is nothing to take away")
		}
		began = time.Now()
		bare(info).TPuts(io.Discard, info.TGoto(1, 1))
		if took := time.Since(began); took != 0 {
			t.Errorf("a move of the cursor takes %v", took)
		}
	})
}

package ui

import (
	"testing"

	"sallyport/api"
)

func TestAStepIsToldInAWordOrTwo(t *testing.T) {
	for step, want := range map[string]string{
		"":                             "connecting…",
		"tcp":                          "tcp…",
		"control socket":               "control socket…",
		"authentication":               "auth…",
		"publickey ~/.ssh/id_ed25519":  "auth…",
		"gssapi-with-mic":              "auth…",
		"waiting for got-bastion":      "waiting for go…",
		"something of\x1b[31m another": `something of\x…`,
	} {
		if got := stepNote(&api.Link{Step: step}); got != want {
			t.Errorf("%q is told as %q, want %q", step, got, want)
		}
	}
}

func TestTheChainShowsWhatIsDoneAtTheHopThatDoesIt(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("targaryen")
	bastion, behind := link("l1", "got-bastion", "", api.LinkConnecting), link("l2", "targaryen", "l1", api.LinkConnecting)
	bastion.Step = "publickey ~/.ssh/id_ed25519"
	st.snapshot(api.Snapshot{Links: []api.Link{bastion, behind}})
	st.keys("Down")
	st.sees("you ──▶ got-bastion ─────────▶ targaryen", "        ◐ auth…                ◐ waits ")
}

func TestTheChainMarksTheHopThatFailedAndNotThoseBehindIt(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("targaryen")
	failed := &api.Failure{Code: "unreachable", Hop: "got-bastion", Message: `connecting to "got-bastion": connection refused`}
	bastion, behind := link("l1", "got-bastion", "", api.LinkFailed), link("l2", "targaryen", "l1", api.LinkFailed)
	bastion.Failure, behind.Failure = failed, failed
	st.snapshot(api.Snapshot{Links: []api.Link{bastion, behind}})
	st.keys("Down")
	st.sees("you ──▶ got-bastion ─────────▶ targaryen", "        ✗ unreachable          ○ not reached ")
}

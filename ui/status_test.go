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

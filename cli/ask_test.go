package cli

import (
	"testing"

	"sallyport/api"
)

// TestOnlyWhatIsOfferedIsChosen asks about host keys that may be kept, or
// not, and about keys for the agent.
func TestOnlyWhatIsOfferedIsChosen(t *testing.T) {
	both := api.Question{Kind: api.AskHostKey, Choices: []string{api.AcceptAndRemember, api.AcceptOnce, api.Refuse}, HostKey: &api.HostKey{Fingerprint: "SHA256:x"}}
	once, keep, agent := both, both, api.Question{Kind: api.AskAddKey, Choices: []string{api.AddKey, api.Refuse}}
	once.Choices = []string{api.AcceptOnce, api.Refuse}
	keep.Choices = []string{api.AcceptAndRemember, api.Refuse}
	for _, row := range []struct {
		name   string
		q      api.Question
		prompt string
		want   map[string]string // "" for what is asked again
	}{
		{"to keep or not", both, "Are you sure you want to continue connecting (yes/no/once/[fingerprint])? ",
			map[string]string{"yes": api.AcceptAndRemember, "SHA256:x": api.AcceptAndRemember, "once": api.AcceptOnce, "no": api.Refuse, "": ""}},
		{"with no place to keep it", once, "Are you sure you want to continue connecting (no/once/[fingerprint])? ",
			map[string]string{"yes": api.AcceptOnce, "SHA256:x": api.AcceptOnce, "once": api.AcceptOnce, "no": api.Refuse}},
		{"of a lent link", keep, "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
			map[string]string{"yes": api.AcceptAndRemember, "once": ""}},
		{"for the agent", agent, "  (yes/no)? ",
			map[string]string{"yes": api.AddKey, "": api.AddKey, "no": api.Refuse, "what": api.Refuse}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := ourWords.choices(row.q); got != row.prompt {
				t.Errorf("it asks %q, want %q", got, row.prompt)
			}
			for typed, want := range row.want {
				got, ok := choiceOf(typed, row.q)
				if ok != (want != "") || ok && got != want {
					t.Errorf("%q is %q, %v, want %q", typed, got, ok, want)
				}
			}
		})
	}
}

func TestATouchNamesItsKey(t *testing.T) {
	for step, want := range map[string]string{
		"publickey ~/.ssh/id_ed25519_sk (touch the security key)": "~/.ssh/id_ed25519_sk",
		"publickey ~/.ssh/id_ed25519_sk":                          "",
		"password":                                                "",
	} {
		key, asks := touchedKey(api.Link{Step: step})
		if asks != (want != "") || asks && key != want {
			t.Errorf("%q asks for %q, %v", step, key, asks)
		}
	}
}

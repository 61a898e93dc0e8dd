package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLocalCommandNeedsPermission(t *testing.T) {
	for text, want := range map[string]string{
		"LocalCommand echo %n %T %% $HOME ${X:-~}\nPermitLocalCommand yes\n": "echo x NONE % $HOME ${X:-~}",
		"LocalCommand echo %n\nPermitLocalCommand no\n":                      "",
		"LocalCommand echo %n\n":                                             "",
		"PermitLocalCommand yes\n":                                           "",
	} {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := Load(Paths{User: path, Home: t.TempDir(), Explicit: true}).Resolve("x", Match{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.LocalCommand(); err != nil || got != want {
			t.Errorf("%q gives %q, %v, want %q", text, got, err, want)
		}
	}
}

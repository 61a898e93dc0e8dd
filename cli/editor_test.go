package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheEditorOpensAtTheLine(t *testing.T) {
	for name, row := range map[string]struct {
		env  map[string]string
		line int
		want []string
	}{
		"none set is vi":            {nil, 7, []string{"vi", "+7", "config"}},
		"EDITOR":                    {map[string]string{"EDITOR": "nano"}, 7, []string{"nano", "+7", "config"}},
		"VISUAL before EDITOR":      {map[string]string{"EDITOR": "ed", "VISUAL": "emacs -nw"}, 7, []string{"emacs", "-nw", "+7", "config"}},
		"one that goes to a place":  {map[string]string{"EDITOR": "/usr/bin/code -n"}, 7, []string{"/usr/bin/code", "-n", "--wait", "--goto", "config:7"}},
		"a file that is not there":  {map[string]string{"EDITOR": "nano"}, 0, []string{"nano", "config"}},
		"helix takes file and line": {map[string]string{"EDITOR": "hx"}, 3, []string{"hx", "config:3"}},
	} {
		t.Run(name, func(t *testing.T) {
			words := editor(func(k string) string { return row.env[k] })
			got := append(words, at(words[0], "config", row.line)...)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("command differs (-want +got):\n%s", diff)
			}
		})
	}
}

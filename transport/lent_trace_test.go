package transport

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDebugLinesOfSSHAreToldAndTheRestIsKept(t *testing.T) {
	for _, test := range []struct {
		name   string
		writes []string
		told   []string
		kept   string
	}{
		{"lines of all levels", []string{"debug1: one\r\ndebug3: three\n"}, []string{"1 ssh: one", "3 ssh: three"}, ""},
		{"a line in pieces", []string{"deb", "ug2: t", "wo\nPerm", "ission denied\n"}, []string{"2 ssh: two"}, "Permission denied"},
		{"what only looks like one", []string{"debug4: x\n debug1: y\n"}, nil, "debug4: x\n debug1: y"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var told []string
			kept := &tail{}
			d := &debugLines{rest: kept, tell: func(level int, format string, args ...any) {
				told = append(told, fmt.Sprintf("%d "+format, append([]any{level}, args...)...))
			}}
			for _, text := range test.writes {
				if n, err := d.Write([]byte(text)); n != len(text) || err != nil {
					t.Fatalf("Write(%q) = %d, %v", text, n, err)
				}
			}
			if diff := cmp.Diff(test.told, told); diff != "" {
				t.Error(diff)
			}
			if kept.text() != test.kept {
				t.Errorf("kept %q, want %q", kept.text(), test.kept)
			}
		})
	}
}

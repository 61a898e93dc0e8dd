package api

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/internal/sshtest"
)

// TestAScriptIsRepeatedByRealShells runs it in shells that read ahead of what
// they do, and in one that does not.
func TestAScriptIsRepeatedByRealShells(t *testing.T) {
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			file := t.TempDir() + "/runs"
			var seen []string
			in, out := repeated(ctx, "echo x >>"+file+"\nwc -l <"+file+"\necho '@end of nothing'\nexit 0\n", time.Millisecond, func(run []byte) {
				if seen = append(seen, string(run)); len(seen) == 3 {
					cancel()
				}
			})
			cmd := exec.Command(sshtest.Program(t, shell))
			cmd.Stdin, cmd.Stdout = in, out
			if err := cmd.Run(); err != nil && len(seen) < 3 {
				t.Fatal(err)
			}
			if got, want := fmt.Sprintf("%q", seen), `["1\n@end of nothing" "2\n@end of nothing" "3\n@end of nothing"]`; got != want {
				t.Errorf("the runs are %s, want %s", got, want)
			}
		})
	}
}

// TestWhoEndsMoreRunsThanWereAskedForWaits has a far side that floods.
func TestWhoEndsMoreRunsThanWereAskedForWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runs := make(chan struct{}, 100)
	_, out := repeated(ctx, "", time.Hour, func([]byte) { runs <- struct{}{} })
	done := make(chan error, 1)
	go func() {
		_, err := out.Write([]byte(strings.Repeat("x\n@end\n", 100)))
		done <- err
	}()
	<-runs
	<-runs
	cancel()
	if err := <-done; err == nil || len(runs) > 0 {
		t.Errorf("%d runs more were taken, %v", len(runs), err)
	}
}

// TestDataIsGivenAfterTheMark has shells that read ahead of what they do: none of
// the data may be taken for the script, nor be lost.
func TestDataIsGivenAfterTheMark(t *testing.T) {
	for _, shell := range []string{"dash", "bash"} {
		f := &feed{ctx: t.Context(), mark: []byte("\n@send\n"), data: strings.NewReader("echo not run\n"), marked: make(chan struct{})}
		cmd := exec.Command(sshtest.Program(t, shell))
		cmd.Stdin, cmd.Stdout = io.MultiReader(strings.NewReader("f() { printf '\\n@send\\n'; cat; }\nf; exit 0\n"), f), f
		if err := cmd.Run(); err != nil || f.written.String() != "\n@send\necho not run\n" {
			t.Errorf("%s: %v: %q", shell, err, f.written.String())
		}
	}
}

// TestNoDataIsGivenWithoutTheMark has what reads all that it is told.
func TestNoDataIsGivenWithoutTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &feed{ctx: t.Context(), mark: []byte("\n@send\n"), data: strings.NewReader("secret"), marked: make(chan struct{})}
		if _, err := f.Write([]byte("printf '\\n@send\\n'")); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || len(got) > 0 {
			t.Errorf("it is given %q, %v", got, err)
		}
	})
}

package api

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
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

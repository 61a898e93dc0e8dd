package transport

import (
	"context"
	"testing"
)

// TestTheTimerOfJumpsEndsWithItsContext has it tell of what was before it.
func TestTheTimerOfJumpsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	if err := clockJumps(ctx, func() { told++; cancel() }); err != nil || told != 1 {
		t.Errorf("clockJumps: %v, told %d times", err, told)
	}
}

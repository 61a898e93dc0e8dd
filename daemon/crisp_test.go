package daemon

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhoTypesHasAllProcessorsWhileTheProcessIsBusy types a key every 100 ms,
// for five seconds at a time.
func TestWhoTypesHasAllProcessorsWhileTheProcessIsBusy(t *testing.T) {
	for _, row := range []struct {
		name string
		busy bool
		want []bool // what was asked for, until 3 s after the last key
	}{
		{"at rest", false, nil},
		{"beside a stream", true, []bool{true, false}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []bool
				began := time.Now()
				c := &crisp{
					processors: func(all bool) { asked = append(asked, all) },
					spent: func() time.Duration {
						if row.busy {
							return time.Since(began)
						}
						return 0
					},
				}
				for range 50 {
					c.typed()
					time.Sleep(100 * time.Millisecond)
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if !slices.Equal(asked, row.want) {
					t.Errorf("it asked for all processors: %v, want %v", asked, row.want)
				}
			})
		})
	}
}

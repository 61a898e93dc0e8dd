package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestWhatJSONHoldsIsSaid looks at the commands about keys, agents and the doctor:
// who reads their output by a program finds in the help what it has.
func TestWhatJSONHoldsIsSaid(t *testing.T) {
	looked := 0
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		if cmd.Flags().Lookup("json") != nil {
			looked++
			if !strings.Contains(cmd.Long, "With --json") {
				t.Errorf("the help of %q does not say what --json prints", cmd.CommandPath())
			}
		}
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	a := &app{}
	for _, cmd := range []*cobra.Command{a.keyCommand(), a.agentCommand(), a.doctorCommand()} {
		look(cmd)
	}
	if looked < 15 {
		t.Errorf("only %d commands have --json", looked)
	}
}

package cli

import (
	"io"
	"strings"
	"testing"
)

func TestOptionsMayFollowTheHost(t *testing.T) {
	for _, row := range []struct {
		name, line    string
		command, user string
	}{
		{"no option", "h ls -l", "ls -l", ""},
		{"an option before the host", "-l dany h ls", "ls", "dany"},
		{"an option after it", "h -l dany ls -l x", "ls -l x", "dany"},
		{"both", "-T h -l dany", "", "dany"},
		{"their end after the host", "h -- -l x", "-l x", ""},
		{"their end before the host", "-- h -l x", "-l x", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			cmd := root(Stdio{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}).cmd
			if err := cmd.ParseFlags(strings.Fields(row.line)); err != nil {
				t.Fatal(err)
			}
			command, err := afterHost(cmd, cmd.Flags().Args())
			if got := strings.Join(command, " "); err != nil || got != row.command {
				t.Errorf("the command is %q, %v; want %q", got, err, row.command)
			}
			if got := cmd.Flag("login").Value.String(); got != row.user {
				t.Errorf("the user is %q, want %q", got, row.user)
			}
		})
	}
}

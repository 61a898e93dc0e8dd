package cli

import (
	"bytes"
	"fmt"
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

// TestAnUnknownCommandIsRefused asks each command that has others for one that
// there is not.
func TestAnUnknownCommandIsRefused(t *testing.T) {
	asked := 0
	for _, c := range root(Stdio{}).cmd.Commands() {
		if !c.HasSubCommands() {
			continue
		}
		asked++
		var out, said bytes.Buffer
		// "config" takes a host, which is asked for before the file is.
		status := Main(t.Context(), []string{c.Name(), "no-such", "-F", t.TempDir() + "/config"}, Stdio{In: strings.NewReader(""), Out: &out, Err: &said})
		if status != ours || out.Len() > 0 || said.Len() == 0 {
			t.Errorf("%s no-such: status %d, %q, %q", c.CommandPath(), status, out.String(), said.String())
		}
		want := fmt.Sprintf("unknown command %q for %q", "no-such", c.CommandPath())
		if c.Name() != "config" && !strings.Contains(said.String(), want) {
			t.Errorf("%s no-such does not say %q: %q", c.CommandPath(), want, said.String())
		}
	}
	if asked < 8 {
		t.Errorf("%d commands have others", asked)
	}
}

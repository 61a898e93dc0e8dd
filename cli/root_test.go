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

// TestAnOptionOfSSHIsTakenElsewhere gives options that "sallyport HOST" has not.
func TestAnOptionOfSSHIsTakenElsewhere(t *testing.T) {
	for _, row := range []struct{ line, hint string }{
		{"-o User=jon h", "  hint: sallyport ssh takes -o and all other options of ssh\n"},
		{"h -Tv", "  hint: sallyport ssh takes -v and all other options of ssh\n"},
		{"h -L 1:x:1", "  hint: sallyport ssh takes -L and all other options of ssh\n"},
		{"-@ h", ""},
		{"--colour h", ""},
		{"tunnel ls -L 1", ""},
	} {
		var said bytes.Buffer
		status := Main(t.Context(), strings.Fields(row.line), Stdio{In: strings.NewReader(""), Out: io.Discard, Err: &said})
		if _, hint, _ := strings.Cut(said.String(), "\n"); status != ours || hint != row.hint {
			t.Errorf("%s: status %d, %q; the hint should be %q", row.line, status, said.String(), row.hint)
		}
	}
}

func TestTheUserIsPartOfADestination(t *testing.T) {
	for _, row := range []struct{ dest, user, host string }{
		{"h", "", "h"},
		{"jon@h", "jon", "h"},
		{"jon@wall@h", "jon@wall", "h"},
		{"ssh://jon@h:5022", "", "ssh://jon@h:5022"},
	} {
		if user, host := splitUser(row.dest); user != row.user || host != row.host {
			t.Errorf("%s: %q at %q", row.dest, user, host)
		}
	}
}

package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"sallyport/config"
	"sallyport/transport"
)

func TestAFailureReadsTheSameFromEachCommand(t *testing.T) {
	t.Parallel()
	h, err := config.Load(config.Paths{Explicit: true}).Resolve("wall", config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*transport.Failure{
		{Code: transport.CodeAuth, Message: `connecting to "wall": the login as "jon" was refused`, Hint: "ssh-add -l", Hop: "wall"},
		{Code: transport.CodeTimeout, Message: `connecting to "wall": 50% of nothing came`, Hop: "wall"},
	} {
		var command, stand bytes.Buffer
		explain(&command, f)
		(&sshLog{w: &stand, level: logInfo}).failure(f, transport.Chain{{Host: h}})
		if said := strings.ReplaceAll(stand.String(), "\r\n", "\n"); !strings.HasPrefix(said, command.String()) || said == command.String() {
			t.Errorf("sallyport ssh says %q, sallyport says %q", said, command.String())
		}
	}
}

// TestAConnectionThatEndsReadsAsSSHHasIt is for ends that no server brings about
// at the right moment each time.
func TestAConnectionThatEndsReadsAsSSHHasIt(t *testing.T) {
	t.Parallel()
	h, err := config.Load(config.Paths{Explicit: true}).Resolve("wall", config.Match{})
	if err != nil {
		t.Fatal(err)
	}
	reset := fmt.Errorf("ssh: handshake failed: %w", os.NewSyscallError("read", syscall.ECONNRESET))
	for _, row := range []struct {
		failure transport.Failure
		want    string
	}{
		{transport.Failure{Code: transport.CodeClosed, Cause: io.EOF}, "Connection closed by wall port 22"},
		{transport.Failure{Code: transport.CodeClosed, Cause: reset}, "Connection reset by wall port 22"},
		{transport.Failure{Code: transport.CodeNotSSH, Cause: io.EOF}, "Connection closed by wall port 22"},
	} {
		lines := sshLines(&row.failure, h, placeOf(transport.Chain{{Host: h}}, 0))
		if got := strings.Join(lines, "\n"); got != row.want {
			t.Errorf("%+v reads %q, want %q", row.failure, got, row.want)
		}
		if at := levelOf(lines[0]); at != logInfo {
			t.Errorf("%q is of level %v", lines[0], at)
		}
	}
}

// TestAPortBehindTheNameIsToldApart types a host as a URL has it.
func TestAPortBehindTheNameIsToldApart(t *testing.T) {
	var said bytes.Buffer
	status := Main(t.Context(), []string{"ssh", "-F", "none", "jon@no-such-host.invalid:5022", "true"}, Stdio{In: strings.NewReader(""), Out: io.Discard, Err: &said})
	if want := "  hint: ssh -p 5022 no-such-host.invalid, or in one word ssh://no-such-host.invalid:5022"; status != ours || !strings.Contains(said.String(), want) {
		t.Errorf("status %d: it does not say %q: %s", status, want, said.String())
	}
}

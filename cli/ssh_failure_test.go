package cli

import (
	"bytes"
	"strings"
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

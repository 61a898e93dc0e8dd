package sessions

import (
	"os"
	"strings"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// link makes a real link to a server, with more options for its Host block.
func link(t *testing.T, s *sshtest.Server, options ...string) *transport.Link {
	t.Helper()
	text, err := os.ReadFile(s.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	s.Write(t, "ssh_config", string(text)+strings.Join(append(options, ""), "\n"))
	cfg := config.Load(config.Paths{User: s.Path("ssh_config"), Home: s.Path(""), Explicit: true})
	chain, err := transport.Plan(cfg, sshtest.Alias, config.Match{Execute: true})
	if err != nil {
		t.Fatal(err)
	}
	links := transport.NewLinks(transport.Options{})
	t.Cleanup(links.Close)
	return links.Get(chain, nil)
}

package sessions

import (
	"os"
	"strings"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// link makes a real link to a server, with more options for its Host block,
// which the server's ssh_config has from then on.
func link(t *testing.T, s *sshtest.Server, options ...string) *transport.Link {
	t.Helper()
	s.Write(t, "ssh_config", configuration(t, s)+strings.Join(append(options, ""), "\n"))
	return linkBy(t, s, "ssh_config")
}

// ownLink makes a link with options that go before those of the server's
// ssh_config, which stays as it is.
func ownLink(t *testing.T, s *sshtest.Server, options ...string) *transport.Link {
	t.Helper()
	s.Write(t, "own_config", strings.Join(append(options, ""), "\n")+configuration(t, s))
	return linkBy(t, s, "own_config")
}

func configuration(t *testing.T, s *sshtest.Server) string {
	t.Helper()
	text, err := os.ReadFile(s.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func linkBy(t *testing.T, s *sshtest.Server, file string) *transport.Link {
	t.Helper()
	cfg := config.Load(config.Paths{User: s.Path(file), Home: s.Path(""), Explicit: true})
	chain, err := transport.Plan(cfg, sshtest.Alias, config.Match{Execute: true})
	if err != nil {
		t.Fatal(err)
	}
	links := transport.NewLinks(transport.Options{})
	t.Cleanup(links.Close)
	return links.Get(chain, nil)
}

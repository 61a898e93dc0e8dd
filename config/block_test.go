package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBlocksShowTheLinesOfAnAlias(t *testing.T) {
	dir := write(t, map[string]string{"config": `# first
Host other more
  User x
Host other
  Port 7

# the machine
Host web "www" !old # in the cellar
	HostName=web.example.org
  # a note
  User   "bob b"   # his name
  ProxyCommand nc %h#%p # all
  Include nothing*
  # behind

Host long
  SetEnv A=` + strings.Repeat("x", longestViewed) + `
# of the next
Host last
  Port 1`})
	c := Load(Paths{User: filepath.Join(dir, "config"), Home: dir, Explicit: true})
	path := filepath.Join(dir, "config")
	shared := &Block{
		Origin:   Origin{path, 8, `Host web "www" !old # in the cellar`},
		Patterns: []string{"web", "www", "!old"},
		Comment:  "in the cellar",
		Settings: []Setting{
			{"HostName", "web.example.org", "", 9},
			{"User", `"bob b"`, "his name", 11},
			{"ProxyCommand", "nc %h#%p # all", "", 12},
			{"Include", "nothing*", "", 13},
		},
		Text: "Host web \"www\" !old # in the cellar\n\tHostName=web.example.org\n  # a note\n" +
			"  User   \"bob b\"   # his name\n  ProxyCommand nc %h#%p # all\n  Include nothing*\n  # behind\n",
	}
	first := &Block{Origin: Origin{path, 2, "Host other more"}, Patterns: []string{"other", "more"}, Settings: []Setting{{"User", "x", "", 3}}, Text: "Host other more\n  User x\n"}
	second := &Block{Origin: Origin{path, 4, "Host other"}, Patterns: []string{"other"}, Own: true, Settings: []Setting{{"Port", "7", "", 5}}, Text: "Host other\n  Port 7\n"}
	last := &Block{Origin: Origin{path, 19, "Host last"}, Patterns: []string{"last"}, Own: true, Settings: []Setting{{"Port", "1", "", 20}}, Text: "Host last\n  Port 1"}
	for name, want := range map[string][]*Block{
		"www":    {shared},
		"last":   {last},
		"other":  {second, first},
		"absent": nil,
	} {
		got, ok := c.Blocks(name)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("Blocks(%s) -want +got\n%s", name, diff)
		}
	}
	if got, ok := c.Blocks("long"); got != nil || ok {
		t.Errorf("a block with a line of %d bytes was taken apart: %v", longestViewed+1, got)
	}
}

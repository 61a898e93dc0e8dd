package config

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBlockShowsTheLinesOfAnAlias(t *testing.T) {
	dir := write(t, map[string]string{"config": `# first
Host other
  User x

# the machine
Host web "www" !old # in the cellar
	HostName=web.example.org
  # a note
  User   "bob b"   # his name
  ProxyCommand nc %h#%p # all
  Include nothing*
  # behind

# of the next
Host last
  Port 1`})
	c := Load(Paths{User: filepath.Join(dir, "config"), Home: dir, Explicit: true})
	path := filepath.Join(dir, "config")
	want := &Block{
		Origin:   Origin{path, 6, `Host web "www" !old # in the cellar`},
		Patterns: []string{"web", "www", "!old"},
		Comment:  "in the cellar",
		Settings: []Setting{
			{"HostName", "web.example.org", "", 7},
			{"User", "bob b", "his name", 9},
			{"ProxyCommand", "nc %h#%p # all", "", 10},
			{"Include", "nothing*", "", 11},
		},
		Text: "Host web \"www\" !old # in the cellar\n\tHostName=web.example.org\n  # a note\n" +
			"  User   \"bob b\"   # his name\n  ProxyCommand nc %h#%p # all\n  Include nothing*\n  # behind\n",
	}
	got, ok := c.Block("www")
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("Block(www) -want +got\n%s", diff)
	}
	got, ok = c.Block("last")
	want = &Block{Origin: Origin{path, 15, "Host last"}, Patterns: []string{"last"}, Settings: []Setting{{"Port", "1", "", 16}}, Text: "Host last\n  Port 1"}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("Block(last) -want +got\n%s", diff)
	}
	if b, ok := c.Block("absent"); ok {
		t.Errorf("Block(absent) = %v", b)
	}
}

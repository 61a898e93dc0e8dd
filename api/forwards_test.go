package api

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/config"
)

func TestReadForwardTakesWhatAPersonTypes(t *testing.T) {
	for _, row := range []struct{ in, keyword, spec, err string }{
		{"8080", "LocalForward", "L 8080:localhost:8080", ""},
		{" 8080:host:80 ", "LocalForward", "L 8080:host:80", ""},
		{"-L 8080:host:80", "LocalForward", "L 8080:host:80", ""},
		{"-L8080", "LocalForward", "L 8080:localhost:8080", ""},
		{"/run/x.sock:host:80", "LocalForward", "L /run/x.sock:host:80", ""},
		{"8080:/run/far.sock", "LocalForward", "L 8080:/run/far.sock", ""},
		{"-D 1080", "DynamicForward", "D 1080", ""},
		{"-R 1080", "RemoteForward", "R 1080", ""},
		{"-R 0:localhost:3000", "RemoteForward", "R 0:localhost:3000", ""},
		{"-R far/x.sock:localhost:3000", "RemoteForward", "R far/x.sock:localhost:3000", ""},
		{"./x.sock:host:80", "", "", "the path of a socket here has to begin with a slash"},
		{"-R 80:./x.sock", "", "", "the path of a socket here has to begin with a slash"},
		{"80:90", "", "", `"80:90" is no local forward such as 8080:localhost:80: it has the wrong number of parts`},
		{"", "", "", `"" is no local forward such as 8080:localhost:80: it has the wrong number of parts`},
	} {
		keyword, spec, err := ReadForward(row.in)
		text, said := "", ""
		if err != nil {
			said = err.Error()
		} else {
			text = spec.String()
		}
		if keyword != row.keyword || text != row.spec || said != row.err {
			t.Errorf("%q is %s %q, %q; want %s %q, %q", row.in, keyword, text, said, row.keyword, row.spec, row.err)
		}
	}
}

func TestForwardsAreThoseOfAllHosts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	text := "Host a\n  LocalForward 8080 localhost:80\nHost b\nHost c\n  DynamicForward 1080\nHost a c\n  RemoteForward 90 localhost:90\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv := ReadInventory(config.Paths{User: path, Explicit: true})
	var got []string
	for _, h := range inv.Forwards() {
		for _, f := range h.Forwards {
			got = append(got, h.Host+" "+f.Spec.String())
			if f.ID != TunnelID(path, h.Host, f.Spec) {
				t.Errorf("%s of %s has the ID %q", f.Spec, h.Host, f.ID)
			}
		}
	}
	want := []string{"a L 8080:localhost:80", "a R 90:localhost:90", "c D 1080", "c R 90:localhost:90"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

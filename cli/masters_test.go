package cli

import (
	"net"
	"path/filepath"
	"testing"

	"sallyport/api"
)

func TestEachSocketThatIsNotRemovedIsTold(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) api.Master {
		return api.Master{Path: filepath.Join(dir, name), State: api.MasterStale}
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: at("stale").Path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	removed, kept := removeStaleMasters([]api.Master{at("gone"), at("stale"), at("too")})
	if len(removed) != 1 || removed[0].Path != at("stale").Path {
		t.Errorf("removed are %v", removed)
	}
	want := `control socket "` + at("gone").Path + `" is no stale one of yours; control socket "` + at("too").Path + `" is no stale one of yours`
	if kept == nil || kept.Error() != want {
		t.Errorf("kept are %v, want %s", kept, want)
	}
}

package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestAPageWaitsForABrowserThatStarts has its time in a bubble.
func TestAPageWaitsForABrowserThatStarts(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, err := pages{dir}.write("http://localhost:8888/?token=secret")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(pageLife - time.Second)
		if _, err := os.Stat(path); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestOnlyPagesAreCleared(t *testing.T) {
	p := pages{t.TempDir()}
	page, err := p.write("http://localhost:8888/")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(p.dir, "state.json")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.clear()
	if _, err := os.Stat(page); !os.IsNotExist(err) {
		t.Errorf("the page: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("another file: %v", err)
	}
}

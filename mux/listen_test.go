//go:build linux || darwin || freebsd

package mux_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sallyport/internal/sshtest"
	"sallyport/mux"
)

// leaveStale leaves a socket behind that nobody listens on.
func leaveStale(t testing.TB, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func listen(t testing.TB, path string) net.Listener {
	t.Helper()
	l, err := mux.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// names are the files of a directory.
func names(t testing.TB, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range list {
		all = append(all, f.Name())
	}
	return strings.Join(all, " ")
}

func TestTheSocketIsItsUsersOnly(t *testing.T) {
	path := socketPath(t)
	l := listen(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := names(t, filepath.Dir(path)); got != "s" {
		t.Errorf("in its directory are %s", got)
	}
	l.Close()
	if got := names(t, filepath.Dir(path)); got != "" {
		t.Errorf("afterwards there is %s", got)
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	path := socketPath(t)
	leaveStale(t, path)
	listen(t, path)
	if c, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	if got := names(t, filepath.Dir(path)); got != "s" {
		t.Errorf("in its directory are %s", got)
	}
}

func TestWhatIsThereIsLeftAlone(t *testing.T) {
	s := sshtest.StartServer(t)
	real := s.StartMaster(t)
	living := socketPath(t)
	listen(t, living)
	file := socketPath(t)
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := socketPath(t)
	if err := os.Symlink("/nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a real master": real.Socket, "a master of ours": living, "a file": file, "a symbolic link": dangling,
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := os.Lstat(path)
			_, err := mux.Listen(path)
			if want := fmt.Sprintf("ControlSocket %s already exists, disabling multiplexing", path); !errors.Is(err, mux.ErrExists) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if mux.RemoveStale(path) {
				t.Error("it was taken for stale")
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it is not there any more: %v", err)
			}
			if got := names(t, filepath.Dir(path)); got != "s" {
				t.Errorf("in its directory are %s", got)
			}
		})
	}
	if got := run(t, s.SSHOver(t, real.Socket, "-O", "check", "x")); got.Status != 0 {
		t.Errorf("the real master says %+v", got)
	}
}

func TestAStaleSocketOfSomebodyElseStays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make one")
	}
	path := socketPath(t)
	leaveStale(t, path)
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := mux.Listen(path); !errors.Is(err, mux.ErrExists) {
		t.Errorf("got %v", err)
	}
	if mux.RemoveStale(path) || names(t, filepath.Dir(path)) != "s" {
		t.Error("it was removed")
	}
}

func TestOfManyThatBeginAtOnceOneWins(t *testing.T) {
	for range 20 {
		path := socketPath(t)
		leaveStale(t, path)
		var all sync.WaitGroup
		var won atomic.Int32
		for range 8 {
			all.Go(func() {
				l, err := mux.Listen(path)
				switch {
				case err == nil:
					won.Add(1)
					t.Cleanup(func() { l.Close() })
				case !errors.Is(err, mux.ErrExists):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if c, err := net.Dial("unix", path); err != nil || won.Load() != 1 {
			t.Fatalf("%d have won; connecting: %v", won.Load(), err)
		} else {
			c.Close()
		}
	}
}

func TestClosingLeavesTheSocketOfAnother(t *testing.T) {
	path := socketPath(t)
	l := listen(t, path)
	os.Remove(path)
	listen(t, path)
	l.Close()
	if got := names(t, filepath.Dir(path)); got != "s" {
		t.Errorf("in its directory is %q", got)
	}
}

func TestPathsThatCannotBeAreRefused(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	room := 108 - 1 - len(dir) - 1 - 17
	listen(t, filepath.Join(dir, strings.Repeat("x", room)))
	long := filepath.Join(dir, strings.Repeat("x", room+1))
	_, err := mux.Listen(long)
	if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("ControlSocket %s: path \"%[1]s.", long)) ||
		!strings.HasSuffix(err.Error(), "\" too long for Unix domain socket") {
		t.Errorf("a path that is too long: %v", err)
	}
	_, err = mux.Listen(filepath.Join(dir, "no", "s"))
	if want := fmt.Sprintf("ControlSocket %s: bind: no such file or directory", filepath.Join(dir, "no", "s")); err == nil || err.Error() != want {
		t.Errorf("a directory that is not there: %v, want %s", err, want)
	}
}

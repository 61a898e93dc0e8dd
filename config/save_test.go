package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// edited is a change of one value in a file that was just written.
func edited(t testing.TB, dir, text string) *Change {
	t.Helper()
	writeIn(t, dir, map[string]string{"config": text})
	return editFile(t, dir+"/config")
}

func editFile(t testing.TB, path string) *Change {
	t.Helper()
	change, err := Load(Paths{User: path, Home: filepath.Dir(path)}).Edit(SetOption{"web", "User", "eve"})
	if err != nil {
		t.Fatal(err)
	}
	return change
}

const oneHost = "Host web\n  User bob\n"

func TestASymbolicLinkStaysOne(t *testing.T) {
	dir := t.TempDir()
	writeIn(t, dir, map[string]string{"dotfiles/ssh/config": oneHost})
	for link, to := range map[string]string{"middle": "dotfiles/ssh/config", "config": "middle"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := editFile(t, dir+"/config").Apply(t.Context(), dir+"/kept"); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"middle": "dotfiles/ssh/config", "config": "middle"} {
		if got, err := os.Readlink(filepath.Join(dir, link)); got != to || err != nil {
			t.Errorf("%s leads to %q, %v", link, got, err)
		}
	}
	if got, _ := os.ReadFile(dir + "/dotfiles/ssh/config"); string(got) != "Host web\n  User eve\n" {
		t.Errorf("the real file is %q", got)
	}
	if left := listDir(t, dir+"/dotfiles/ssh"); len(left) != 1 {
		t.Errorf("beside the real file: %v", left)
	}
}

func listDir(t testing.TB, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestModeStays(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o640, 0o700} {
		dir := t.TempDir()
		change := edited(t, dir, oneHost)
		if err := os.Chmod(change.File, mode); err != nil {
			t.Fatal(err)
		}
		if err := change.Apply(t.Context(), dir+"/kept"); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(change.File); err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %04o became %v, %v", mode, info.Mode(), err)
		}
	}
}

func TestAReadOnlyFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	change := edited(t, dir, oneHost)
	if err := os.Chmod(change.File, 0o400); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, change.Apply(t.Context(), dir+"/kept"), "is read-only (mode 0400)")
	unchanged(t, change)
}

func TestAFileOfTheSystemIsRefused(t *testing.T) {
	dir := write(t, map[string]string{"system": "Host web\n  User bob\n"})
	c := Load(Paths{User: dir + "/none", System: dir + "/system", Home: dir})
	_, err := c.Edit(SetOption{"web", "User", "eve"})
	refusedWith(t, err, "is the system's, and is not edited")
	_, err = c.Edit(RemoveHost{"web"})
	refusedWith(t, err, "is the system's, and is not edited")
}

func TestAHardLinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	change := edited(t, dir, oneHost)
	if err := os.Link(change.File, dir+"/other"); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, change.Apply(t.Context(), dir+"/kept"), "has 2 names (hard links)")
	unchanged(t, change)
}

func refusedWith(t testing.TB, err error, want string) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, want) {
		t.Errorf("error %v, want a refusal with %q", err, want)
	}
}

func unchanged(t testing.TB, c *Change) {
	t.Helper()
	if got, err := os.ReadFile(c.File); err != nil || !bytes.Equal(got, c.Before) {
		t.Errorf("the file is %q, %v", got, err)
	}
}

func TestAFileThatWasChangedMeanwhileIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	change := edited(t, dir, oneHost)
	theirs := oneHost + "Host theirs\n"
	writeIn(t, dir, map[string]string{"config": theirs})
	refusedWith(t, change.Apply(t.Context(), dir+"/kept"), "was changed by another program")
	refusedWith(t, change.Check(t.Context()), "was changed by another program")
	if got, _ := os.ReadFile(change.File); string(got) != theirs {
		t.Errorf("the file is %q", got)
	}
}

// TestTheLastMomentIsWatched lets another program replace the file between the
// last look and the exchange.
func TestTheLastMomentIsWatched(t *testing.T) {
	dir := t.TempDir()
	change := edited(t, dir, oneHost)
	theirs := oneHost + "Host theirs\n"
	writeIn(t, dir, map[string]string{"config": theirs, "ours": string(change.After)})
	if errors.Is(swap(dir+"/ours", dir+"/config"), errors.ErrUnsupported) {
		t.Skip("two files cannot change places in one step here")
	}
	if err := swap(dir+"/ours", dir+"/config"); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, change.exchange(dir+"/ours", dir+"/config"), "was changed by another program")
	if got, _ := os.ReadFile(change.File); string(got) != theirs {
		t.Errorf("the file is %q", got)
	}
}

// TestNobodysChangeIsOverwritten saves while another program, which knows no
// locks, replaces the file, once for each of our saves: what it has written
// must be there whenever it looks again.
func TestNobodysChangeIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	if err := swap(dir+"/a", dir+"/b"); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("two files cannot change places in one step here")
	}
	path := dir + "/config"
	writeIn(t, dir, map[string]string{"config": oneHost})
	const rounds = 200
	turns := make(chan int)
	var other sync.WaitGroup
	other.Go(func() { // ends when turns is closed
		random := rand.New(rand.NewPCG(3, 4))
		for i := range turns {
			time.Sleep(time.Duration(random.IntN(10_000)) * time.Microsecond) // the random moment
			replaceByOther(t, dir, i)
		}
	})
	saved := 0
	for i := range rounds {
		turns <- i
		change, err := Load(Paths{User: path, Home: dir}).Edit(SetOption{"web", "User", fmt.Sprintf("u%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		err = change.replaceFile(path, dir+"/kept")
		var refusal *Refusal
		if err == nil {
			saved++
		} else if !errors.As(err, &refusal) {
			t.Fatal(err)
		}
	}
	close(turns)
	other.Wait()
	t.Logf("%d saved, %d refused", saved, rounds-saved)
	if text, _ := os.ReadFile(path); !holdsAll(string(text), rounds) {
		t.Errorf("hosts of theirs are gone:\n%s", text)
	}
}

// replaceByOther adds a host as an editor does that writes a new file.
func replaceByOther(t *testing.T, dir string, i int) {
	text, err := os.ReadFile(dir + "/config")
	if err != nil {
		t.Error(err)
		return
	}
	if !holdsAll(string(text), i) {
		t.Errorf("in round %d a host of theirs is gone:\n%s", i, text)
	}
	if err := os.WriteFile(dir+"/theirs", fmt.Appendf(text, "Host theirs%d\n", i), 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Rename(dir+"/theirs", dir+"/config"); err != nil {
		t.Error(err)
	}
}

// holdsAll tells whether the hosts of the first n rounds are there.
func holdsAll(text string, n int) bool {
	for i := range n {
		if !strings.Contains(text, fmt.Sprintf("Host theirs%d\n", i)) {
			return false
		}
	}
	return true
}

func TestTheLastTenTextsAreKept(t *testing.T) {
	dir := t.TempDir()
	writeIn(t, dir, map[string]string{"config": oneHost})
	for i := range 13 {
		change, err := Load(Paths{User: dir + "/config", Home: dir}).Edit(SetOption{"web", "Port", fmt.Sprint(1000 + i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := change.replaceFile(dir+"/config", dir+"/state/kept"); err != nil {
			t.Fatal(err)
		}
	}
	kept := listDir(t, dir+"/state/kept")
	if len(kept) != 10 {
		t.Fatalf("kept are %v", kept)
	}
	for i, name := range kept {
		want := fmt.Sprintf("Host web\n  User bob\n  Port %d\n", 1002+i)
		if got, _ := os.ReadFile(filepath.Join(dir, "state/kept", name)); string(got) != want {
			t.Errorf("copy %d is %q, want %q", i, got, want)
		}
		if info, _ := os.Stat(filepath.Join(dir, "state/kept", name)); info.Mode().Perm() != 0o600 {
			t.Errorf("a copy has mode %v", info.Mode())
		}
	}
	if info, _ := os.Stat(dir + "/state/kept"); info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the copies has mode %v", info.Mode())
	}
}

func TestTheFirstHostCreatesTheFile(t *testing.T) {
	home := t.TempDir()
	paths := Paths{User: home + "/.ssh/config", Home: home}
	c := Load(paths)
	c.Hosts()
	if left := listDir(t, home); len(left) > 0 {
		t.Fatalf("looking created %v", left)
	}
	change, err := c.Edit(AddHost{Name: "web", Options: []Assignment{{"User", "eve"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := "--- /dev/null\n+++ " + paths.User + "\n@@ -0,0 +1,2 @@\n+Host web\n+    User eve\n"
	if got := change.Diff(); got != want {
		t.Errorf("the diff is\n%s", got)
	}
	if err := change.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := listDir(t, home); len(left) > 0 {
		t.Fatalf("checking created %v", left)
	}
	if err := change.Apply(t.Context(), home+"/kept"); err != nil {
		t.Fatal(err)
	}
	dir, _ := os.Stat(home + "/.ssh")
	file, _ := os.Stat(paths.User)
	if dir.Mode().Perm() != 0o700 || file.Mode().Perm() != 0o600 {
		t.Errorf("modes are %v and %v", dir.Mode(), file.Mode())
	}
	if left := listDir(t, home+"/.ssh"); len(left) != 1 {
		t.Errorf("in .ssh: %v", left)
	}
	refusedWith(t, change.Apply(t.Context(), home+"/kept"), "was changed by another program")
}

func TestALockIsWaitedForAndGoesAway(t *testing.T) {
	dir := t.TempDir()
	change := edited(t, dir, oneHost)
	unlock, err := lockBeside(t.Context(), change.File)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := lockBeside(ctx, change.File); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	if err := change.Apply(t.Context(), dir+"/kept"); err != nil {
		t.Fatal(err)
	}
	if left := listDir(t, dir); len(left) != 2 {
		t.Errorf("beside the file: %v", left)
	}
}

// longText is one of the texts that the saver writes in turn: long, so that a write
// of half of one would be found.
func longText(i int) string {
	return fmt.Sprintf("Host web\n  User u%d\n%s", i%2, strings.Repeat(fmt.Sprintf("# version %d of a long file\n", i%2), 3000))
}

func TestAKilledSaveLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it kills 200 processes")
	}
	t.Parallel()
	saver := filepath.Join(t.TempDir(), "saver")
	// Without the race detector, which starts slowly: 200 of them.
	if out, err := exec.Command("go", "build", "-o", saver, "./testdata/saver").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir := t.TempDir()
	writeIn(t, dir, map[string]string{"config": longText(0), "one": longText(0), "two": longText(1)})
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for i := range 200 {
		killAfter(t, time.Duration(random.IntN(20_000))*time.Microsecond, saver, dir)
		text, err := os.ReadFile(dir + "/config")
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != longText(0) && string(text) != longText(1) {
			t.Fatalf("after kill %d the file has %d bytes, and is no version of ours", i, len(text))
		}
		seen[string(text)]++
	}
	if len(seen) != 2 {
		t.Errorf("%d versions were seen: the kills came too early", len(seen))
	}
	for _, name := range listDir(t, dir+"/kept") {
		if !strings.HasPrefix(name, "config-") {
			t.Errorf("kept is %s", name)
		}
	}
	change := editFile(t, dir+"/config")
	if err := change.Apply(t.Context(), dir+"/kept"); err != nil {
		t.Fatalf("after all kills: %v", err)
	}
	if left := listDir(t, dir); len(left) != 4 {
		t.Errorf("the save after the kills leaves %v", left)
	}
}

// killAfter starts a program that says when it is at work, and kills it a while
// later.
func killAfter(t *testing.T, while time.Duration, program, dir string) {
	t.Helper()
	cmd := exec.Command(program, dir)
	cmd.Env = append(os.Environ(), "PATH=/nonexistent") // without ssh, there is more saving
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("saving\n"))); err != nil {
		t.Fatalf("the saver ended: %v\n%s", err, complaint.String())
	}
	time.Sleep(while) // the random moment
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // killed
}

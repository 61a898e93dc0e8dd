package api

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long the files must rest before they are read again:
	// editors write a file in several steps.
	quiet = 60 * time.Millisecond
	// lookEvery is how often files are looked at besides, for those whose
	// changes the kernel does not tell of: homes on a network.
	lookEvery = 900 * time.Millisecond
)

// stamp tells versions of a file apart without reading it. The zero stamp is
// that of a file that cannot be looked at.
type stamp struct {
	size     int64
	modified time.Time
	mode     fs.FileMode
	info     fs.FileInfo // for os.SameFile: a file that was replaced is another one
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime(), info.Mode(), info}
}

func (s stamp) same(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == other.info
	}
	return s.size == other.size && s.modified.Equal(other.modified) && s.mode == other.mode && os.SameFile(s.info, other.info)
}

// stamps are those of the files and folders that a configuration came from.
type stamps map[string]stamp

func (s stamps) changed() bool {
	for path, before := range s {
		if !before.same(stampOf(path)) {
			return true
		}
	}
	return false
}

// WaitForChange returns when one of the files that the configuration came
// from, or a folder that an Include looks into, is not as it was read, and has
// come to rest. It fails only with the cause of ctx.
func (v *Inventory) WaitForChange(ctx context.Context) error {
	w := newWatcher()
	defer w.close()
	if !v.stamps.await(ctx, w, nil) {
		return context.Cause(ctx)
	}
	return v.stamps.rest(ctx, w)
}

// await waits until something is not as it was, and tells that it is so; not if
// ctx ends first, or enough comes.
func (s stamps) await(ctx context.Context, w *watcher, enough <-chan time.Time) bool {
	for w.follow(s); !s.changed(); w.follow(s) {
		select {
		case <-ctx.Done():
			return false
		case <-enough:
			return false
		case <-w.events():
		case <-w.look.C:
		}
	}
	return true
}

// rest waits until nothing has changed for a while.
func (s stamps) rest(ctx context.Context, w *watcher) error {
	for {
		before := s.now()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.events():
		case <-time.After(quiet):
			if !before.changed() {
				return nil
			}
		}
	}
}

// now are the stamps of the same paths at this moment.
func (s stamps) now() stamps {
	now := make(stamps, len(s))
	for path := range s {
		now[path] = stampOf(path)
	}
	return now
}

// watcher tells of changes in folders. Where the kernel cannot tell, look
// ticks as well.
type watcher struct {
	kernel  *fsnotify.Watcher // nil where there is none
	look    *time.Ticker
	folders map[string]bool // which were looked at for being remote
}

func newWatcher() *watcher {
	w := &watcher{look: time.NewTicker(lookEvery), folders: make(map[string]bool)}
	kernel, err := fsnotify.NewWatcher()
	if err != nil {
		return w
	}
	w.kernel = kernel
	w.look.Stop()
	go func() { // ends with close
		for range kernel.Errors { // what was missed is seen at the next change
		}
	}()
	return w
}

func (w *watcher) events() <-chan fsnotify.Event {
	if w.kernel == nil {
		return nil
	}
	return w.kernel.Events
}

// follow watches the folders that matter now: one that was made since, too, or
// was removed and made again. To watch one twice changes nothing. One that is
// made while that above it begins to be watched is not told of: it is looked for
// until nothing is new.
func (w *watcher) follow(s stamps) {
	if w.kernel == nil {
		return
	}
	var watched map[string]bool
	for now := s.folders(); !maps.Equal(now, watched); now = s.folders() {
		for dir := range now {
			if w.kernel.Add(dir) != nil || !w.folders[dir] && remote(dir) {
				w.look.Reset(lookEvery)
			}
			w.folders[dir] = true
		}
		watched = now
	}
}

func (w *watcher) close() {
	w.look.Stop()
	if w.kernel != nil {
		w.kernel.Close() // one that does not close well is of no more use either way
	}
}

// folders are those whose changes matter: an editor replaces a file by
// renaming another one over it.
func (s stamps) folders() map[string]bool {
	all := make(map[string]bool)
	for path := range s {
		all[existing(filepath.Dir(path))] = true
		if real, err := filepath.EvalSymlinks(path); err == nil {
			all[filepath.Dir(real)] = true
		}
		if isFolder(path) {
			all[path] = true
		}
	}
	return all
}

// existing is dir, or the nearest folder above it that there is.
func existing(dir string) string {
	for !isFolder(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	return dir
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

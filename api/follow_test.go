package api

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestAProcessIsSeenWheneverItComes has a background process come and go while
// somebody follows it. Each has a PID of its own.
func TestAProcessIsSeenWheneverItComes(t *testing.T) {
	run, err := os.MkdirTemp("", "sp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	folder := filepath.Join(run, "sallyport")
	socket := filepath.Join(folder, "daemon.sock")
	seen := make(chan int)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go (&Client{Socket: socket}).Follow(ctx, func(e Event) {
		select {
		case seen <- e.Snapshot.Daemon.PID:
		case <-ctx.Done():
		}
	})
	shows := func(when string, want int) {
		t.Helper()
		select {
		case got := <-seen:
			if got != want {
				t.Fatalf("%s the process is %d, want %d", when, got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s nothing is seen, want %d", when, want)
		}
	}
	shows("before any,", 0)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for pid, row := range []struct {
		when  string
		clear func() error
	}{
		{"in a new folder", func() error { return nil }},
		{"in the same folder", func() error { return nil }},
		{"in a folder that was made again", func() error {
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
			return os.Mkdir(folder, 0o700)
		}},
		{"where one was killed", func() error { return leaveSocket(socket) }},
	} {
		if err := row.clear(); err != nil {
			t.Fatal(err)
		}
		end := serveSnapshot(t, socket, pid+1)
		shows(row.when, pid+1)
		end()
		shows(row.when+", once it has ended,", 0)
	}
}

// TestStopDoesNotWaitForTheNextProcess has another one answer on the same socket once
// the first was told to end.
func TestStopDoesNotWaitForTheNextProcess(t *testing.T) {
	run, err := os.MkdirTemp("", "sp") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	l, err := net.Listen("unix", filepath.Join(run, "daemon.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var begun atomic.Int64 // of the process that answers
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/stop" {
			begun.Add(1)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		json.NewEncoder(w).Encode(Snapshot{Daemon: DaemonStatus{PID: 7, Started: time.Unix(begun.Load(), 0)}})
	})}
	go server.Serve(l) // until it is closed
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { // ends with the server: so does the wait for a process that has not gone
		<-ctx.Done()
		server.Close()
	}()
	if _, err := (&Client{Socket: filepath.Join(run, "daemon.sock")}).Stop(ctx); err != nil {
		t.Error(err)
	}
}

// leaveSocket makes a socket at which nobody listens.
func leaveSocket(path string) error {
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	return l.Close()
}

// serveSnapshot is a background process with a PID, until end is called. It
// takes the place of a socket that is there, as a real one does.
func serveSnapshot(t *testing.T, socket string, pid int) (end func()) {
	t.Helper()
	os.Remove(socket) // mostly there is none
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(Event{Snapshot: &Snapshot{Daemon: DaemonStatus{PID: pid}}})
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})}
	go server.Serve(l) // until it is closed
	return func() { server.Close() }
}

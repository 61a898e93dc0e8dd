package ui

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"

	"sallyport/api"
)

var look = flag.String("look", "", "show the screen on this terminal: empty, busy, password, code, hostkey, missing")

// TestLook is for a person's eyes:
//
//	go test -c -o /tmp/look ./ui && /tmp/look -test.run TestLook -look busy
func TestLook(t *testing.T) {
	if *look == "" {
		t.Skip("for looking at the screen with -look")
	}
	f := newFake()
	if *look == "missing" {
		f.inv = func() *fakeInventory { return &fakeInventory{missing: true} }
	}
	go func() {
		snap := afternoon()
		for i := range snap.Links {
			snap.Links[i].Since = time.Now()
		}
		for i := range snap.Sessions {
			snap.Sessions[i].Since = time.Now().Add(snap.Sessions[i].Since.Sub(morning))
		}
		switch *look {
		case "password":
			snap.Questions = append(snap.Questions, passwordQuestion())
		case "code":
			snap.Questions = append(snap.Questions, codeQuestion(), passwordQuestion())
		case "hostkey":
			snap.Questions = append(snap.Questions, hostKeyQuestion())
		case "empty", "missing":
			snap = api.Snapshot{}
		}
		f.events <- api.Event{Snapshot: &snap}
		tunnel := snap.Tunnels
		for len(tunnel) > 0 {
			time.Sleep(250 * time.Millisecond)
			moved := tunnel[0]
			moved.Received += int64(time.Now().UnixNano() % 900_000)
			tunnel[0] = moved
			f.events <- api.Event{Tunnel: &moved}
		}
	}()
	f.shell.ready <- nil
	f.shell.attach = func() {
		os.Stdout.WriteString("this is the shell\r\n")
		time.Sleep(time.Second)
		f.shell.exit <- api.Exit{Status: 7}
	}
	if err := run(context.Background(), f, Options{NoColor: os.Getenv("NO_COLOR") != "", ASCII: os.Getenv("LOOK_ASCII") != ""}); err != nil {
		t.Fatal(err)
	}
}

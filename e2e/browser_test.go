//go:build linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sallyport/internal/sshtest"
)

// browser is a headless Chromium on a client that does as it is told through
// two pipes: messages of JSON, each with a NUL at its end, go in by descriptor 3
// and come out by 4 (--remote-debugging-pipe; the messages are those of the
// Chrome DevTools Protocol).
type browser struct {
	c       *client
	in, out *os.File
	replies *bufio.Reader
	number  int
	session string // of its page
}

// newBrowser readies a browser that begins when "command ADDRESS" runs on the
// client, as a person's BROWSER.
func newBrowser(t *testing.T, c *client) (b *browser, command string) {
	t.Helper()
	sshtest.Program(t, "chromium")
	b = &browser{c: c, number: int(ports.Add(1))}
	at := fmt.Sprintf("/run/browser-%d", b.number)
	sshtest.Script(t, c.path(at), "exec chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "+
		"--disable-background-networking --disable-component-update --disable-sync --window-size=1200,800 "+
		"--remote-debugging-pipe --user-data-dir=/root/browser-"+fmt.Sprint(b.number)+` "$1" 3<`+at+".in 4>"+at+".out 2>"+at+".log\n")
	open := func(name string) *os.File {
		if err := syscall.Mkfifo(c.path(name), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(c.path(name), os.O_RDWR, 0) // which waits for nobody
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	b.in, b.out = open(at+".in"), open(at+".out")
	b.replies = bufio.NewReader(b.out)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the browser's log:\n%.3000s", c.read(at+".log"))
		}
	})
	return b, at
}

// tell has the browser do something and gives its answer.
func (b *browser) tell(method string, params any, answer any) {
	b.c.t.Helper()
	b.number++
	message, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
		Session string `json:"sessionId,omitempty"`
	}{b.number, method, params, b.session})
	if err != nil {
		b.c.t.Fatal(err)
	}
	if _, err := b.in.Write(append(message, 0)); err != nil {
		b.c.t.Fatal(err)
	}
	if err := b.out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		b.c.t.Fatal(err)
	}
	for {
		text, err := b.replies.ReadBytes(0)
		if err != nil {
			b.c.t.Fatalf("%s: %v", method, err)
		}
		var reply struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal(text[:len(text)-1], &reply); err != nil {
			b.c.t.Fatalf("%s: %v: %s", method, err, text)
		}
		if reply.ID != b.number {
			continue // an event
		}
		if reply.Error != nil {
			b.c.t.Fatalf("%s: %s", method, reply.Error)
		}
		if answer != nil {
			if err := json.Unmarshal(reply.Result, answer); err != nil {
				b.c.t.Fatalf("%s: %v: %s", method, err, reply.Result)
			}
		}
		return
	}
}

// open starts the browser with a page.
func (b *browser) open(command, url string) {
	b.c.t.Helper()
	b.c.must("sh", "-c", command+" '"+url+"' >/dev/null 2>&1 &")
	b.attach()
}

// attach turns to the page that the browser was started with.
func (b *browser) attach() {
	b.c.t.Helper()
	var page string
	b.c.eventually("the browser has a page", func() bool {
		var all struct {
			TargetInfos []struct{ TargetID, Type string }
		}
		b.tell("Target.getTargets", nil, &all)
		for _, t := range all.TargetInfos {
			if t.Type == "page" {
				page = t.TargetID
			}
		}
		return page != ""
	})
	var attached struct{ SessionID string }
	b.tell("Target.attachToTarget", map[string]any{"targetId": page, "flatten": true}, &attached)
	b.session = attached.SessionID
}

// script runs a line of JavaScript in the page and gives its value as text.
func (b *browser) script(line string) string {
	b.c.t.Helper()
	var got struct {
		Result struct{ Value string }
	}
	b.tell("Runtime.evaluate", map[string]any{"expression": "String(" + line + ")", "returnByValue": true}, &got)
	return got.Result.Value
}

// comes waits until a line of JavaScript has a value.
func (b *browser) comes(line, want string) {
	b.c.t.Helper()
	got := ""
	defer func() {
		if got != want {
			b.c.t.Logf("%s is %q, want %q", line, got, want)
		}
	}()
	b.c.eventually("the page has what is wanted", func() bool { got = b.script(line); return got == want })
}

// photograph keeps what the page looks like in $SALLYPORT_ARTIFACTS.
func (b *browser) photograph(name string) {
	b.c.t.Helper()
	dir := os.Getenv("SALLYPORT_ARTIFACTS")
	if dir == "" {
		return
	}
	var shot struct{ Data []byte }
	b.tell("Page.captureScreenshot", nil, &shot)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), shot.Data, 0o644); err != nil {
		b.c.t.Fatal(err)
	}
}

// leave ends the browser.
func (b *browser) leave() { b.session = ""; b.tell("Browser.close", nil, nil) }

package sessions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
	"sallyport/transport"
)

// playback is what an asciicast says: its size, and what it shows with each
// change of size in its place.
func playback(t *testing.T, text string) (size Size, shown string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var head struct{ Version, Width, Height int }
	if err := json.Unmarshal([]byte(lines[0]), &head); err != nil || head.Version != 2 {
		t.Fatalf("the header %q: %v", lines[0], err)
	}
	last := 0.0
	for _, l := range lines[1:] {
		var at float64
		var kind, data string
		if err := json.Unmarshal([]byte(l), &[]any{&at, &kind, &data}); err != nil || at < last {
			t.Fatalf("the event %q after %f: %v", l, last, err)
		}
		last = at
		if kind == "r" {
			data = "<" + data + ">"
		}
		shown += data
	}
	return Size{Cols: head.Width, Rows: head.Height}, shown
}

// begun is a recording into a new file.
func begun(t *testing.T, name string, format Format) (*Recording, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	r, err := Record(Recorded{Path: path, Format: format})
	if err != nil {
		t.Fatal(err)
	}
	r.begin(usualSize, "xterm", "a shell", nil)
	return r, path
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatIsRecorded(t *testing.T) {
	for _, row := range []struct {
		name      string
		parts     []string
		raw, cast string
	}{
		{"text", []string{"a\r\n", "<&>\x1b[m"}, "a\r\n<&>\x1b[m", "a\r\n<&>\x1b[m"},
		{"a character in two parts", []string{"a\xe6\x97", "\xa5b"}, "a日b", "a日b"},
		{"one in four", []string{"\xf0", "\x9f", "\x9a", "\x80"}, "🚀", "🚀"},
		{"what is no character", []string{"a\xff", "\x80b"}, "a\xff\x80b", "a\ufffd\ufffdb"},
		{"half of one at the end", []string{"a\xe6\x97"}, "a\xe6\x97", "a\ufffd"},
	} {
		t.Run(row.name, func(t *testing.T) {
			raw, rawPath := begun(t, "log", "")
			cast, castPath := begun(t, "log.cast", "")
			for _, p := range row.parts {
				raw.output([]byte(p))
				cast.output([]byte(p))
			}
			raw.close()
			cast.close()
			if got := content(t, rawPath); got != row.raw {
				t.Errorf("raw: %q, want %q", got, row.raw)
			}
			if _, got := playback(t, content(t, castPath)); got != row.cast {
				t.Errorf("the cast shows %q, want %q", got, row.cast)
			}
		})
	}
}

// FuzzRecording checks that it does not matter how text is cut, and that
// whatever comes has a form.
func FuzzRecording(f *testing.F) {
	f.Add("日本 é 🚀", 1)
	f.Add("\xff\xe6\x97\x80\xf0\x9f", 2)
	f.Fuzz(func(t *testing.T, text string, size int) {
		r, path := begun(t, "log", Asciicast)
		for rest := text; rest != ""; {
			n := min(len(rest), size&15+1)
			r.output([]byte(rest[:n]))
			rest = rest[n:]
		}
		r.close()
		_, shown := playback(t, content(t, path))
		if want := strings.ToValidUTF8(text, "\ufffd"); want == text && shown != text {
			t.Errorf("%q became %q", text, shown)
		}
	})
}

func TestFilesThatAreNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		to   Recorded
		code string
	}{
		"one that exists":        {Recorded{Path: path}, CodeExists},
		"one beside us":          {Recorded{Path: "log"}, "bad-request"},
		"one of another format":  {Recorded{Path: path, Format: "gif"}, "bad-request"},
		"one where no folder is": {Recorded{Path: path + "/log"}, "file"},
	} {
		_, err := Record(row.to)
		if f, ok := err.(*transport.Failure); !ok || f.Code != row.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if content(t, path) != "mine" {
		t.Error("the file that was there is another")
	}
}

func TestAFullDiskEndsTheLogAlone(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here: ", err)
	}
	r := &Recording{to: Recorded{Path: "/dev/full", Format: Raw}, file: full}
	if !r.output([]byte("a")) || r.output([]byte("b")) {
		t.Error("it does not tell once that it has failed")
	}
	if got := r.status().Failure; !strings.Contains(got, "no space") {
		t.Errorf("why: %q", got)
	}
}

// TestAShellIsRecorded from the middle: the cast begins with what the screen
// shows.
func TestAShellIsRecorded(t *testing.T) {
	t.Parallel()
	sh := keep(t, link(t, sshtest.StartServer(t)), "stty -echo; printf first; read x; echo second; read secret; stty echo; read x; printf third; cat")
	var out output
	v := sh.Join(View{Size: usualSize})
	watch(t, v, &out)
	sshtest.Eventually(t, "it runs", out.has("first"))

	path := filepath.Join(t.TempDir(), "log.cast")
	r, err := Record(Recorded{Path: path})
	if err == nil {
		err = sh.Record(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	v.Type([]byte("\n"), nil)
	sshtest.Eventually(t, "it has read", out.has("second"))
	v.Resize(Size{Cols: 90, Rows: 20})
	v.Type([]byte("winter\n"), nil)
	v.Type([]byte("is coming\n"), nil)
	sshtest.Eventually(t, "it goes on", out.has("third"))
	if diff := cmp.Diff(&Recorded{Path: path, Format: Asciicast}, sh.Status().Recorded); diff != "" {
		t.Errorf("its status (-want +got): %s", diff)
	}
	sshtest.Eventually(t, "what it shows is in the file already", func() bool { return strings.Contains(content(t, path), "third") })
	if !sh.StopRecording() || sh.StopRecording() || sh.Status().Recorded != nil {
		t.Error("the recording does not end once")
	}
	v.Type([]byte("later\n"), nil)
	sshtest.Eventually(t, "it is not recorded", out.has("later\r\nlater"))

	size, shown := playback(t, content(t, path))
	again := shownText(strings.Replace(shown, "<90x20>", "", 1))
	if size != usualSize || !strings.Contains(shown, "<90x20>") || !strings.HasPrefix(again, "firstsecond") || !strings.HasSuffix(again, "third") {
		t.Errorf("at %v it shows %q, which is %q", size, shown, again)
	}
	if strings.Contains(shown, "winter") || strings.Contains(shown, "later") {
		t.Errorf("it shows what was typed without an echo, or later: %q", shown)
	}
	if info, err := os.Stat(path); err != nil || fmt.Sprint(info.Mode()) != "-rw-------" {
		t.Errorf("its mode: %v, %v", info.Mode(), err)
	}
}

// TestAShortShellIsRecorded whole, though the far side has ended it before its
// output is read.
func TestAShortShellIsRecorded(t *testing.T) {
	t.Parallel()
	s := start(t, link(t, sshtest.StartServer(t)), Spec{Command: "echo all", PTY: true, Term: "xterm", Size: usualSize})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	sh := Keep(t.Context(), s.Session)
	sshtest.Eventually(t, "it has ended", func() bool { return s.Status().State == Ended })
	path := filepath.Join(t.TempDir(), "log")
	r, err := Record(Recorded{Path: path})
	if err == nil {
		err = sh.Record(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	sh.Begin()
	<-sh.Over()
	if got := content(t, path); got != "all\r\n" {
		t.Errorf("the log has %q", got)
	}
	if sh.Record(r) == nil || sh.Status().Recorded != nil {
		t.Error("a shell that is over is recorded")
	}
}

// shownText are the lines that a terminal shows which gets a text.
func shownText(text string) string {
	var o output
	o.Write([]byte(text))
	return strings.TrimSpace(string(shown(&o, usualSize).Transcript()))
}

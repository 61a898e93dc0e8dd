package sessions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sallyport/config"
	"sallyport/transport"
)

// Format is that of a file to which the output of a Shell goes.
type Format string

const (
	Raw       Format = "raw"       // the bytes as they came
	Asciicast Format = "asciicast" // version 2, which asciinema plays
)

// Recorded says where the output of a Shell goes. What is typed goes there only
// where the far side shows it, so that passwords do not.
type Recorded struct {
	Path   string `json:"path"` // absolute
	Format Format `json:"format,omitempty"`
	// Failure is why no more is written. The file has all up to then.
	Failure string `json:"failure,omitempty"` // printable
}

// castSuffix is that of a file which is an asciicast if nobody says otherwise.
const castSuffix = ".cast"

// CodeExists is that of a file which is there already, and is left as it is.
const CodeExists = "exists"

// Recording writes the output of a Shell to a file as it comes: what was
// written is there even if the process ends at once.
type Recording struct {
	began time.Time

	mu      sync.Mutex // guards what follows
	to      Recorded
	file    *os.File
	partial []byte // of a character that is not whole yet
}

// Record makes a file for a recording, readable by the user alone. One that
// exists is refused.
func Record(to Recorded) (*Recording, error) {
	switch {
	case to.Format == "" && strings.HasSuffix(to.Path, castSuffix):
		to.Format = Asciicast
	case to.Format == "":
		to.Format = Raw
	case to.Format != Raw && to.Format != Asciicast:
		return nil, failure("bad-request", "the format of a log is raw or asciicast, and %q is neither", to.Format)
	}
	if !filepath.IsAbs(to.Path) {
		return nil, failure("bad-request", "the path of a log is absolute, and %q is not", to.Path)
	}
	file, err := os.OpenFile(to.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		f := failure(CodeExists, "%s exists, and is left as it is", to.Path)
		f.Hint = "choose another name for the log"
		return nil, f
	}
	if err != nil {
		return nil, failure("file", "the log cannot be written: %v", err)
	}
	return &Recording{to: to, file: file}, nil
}

// Discard removes the file of a recording that has not begun.
func (r *Recording) Discard() {
	_ = r.file.Close()       // nothing was written
	_ = os.Remove(r.to.Path) // it is empty
}

// begin writes what stands before the output: of an asciicast its header and
// what the screen shows already, from which the rest goes on.
func (r *Recording) begin(size Size, term, title string, screen []byte) {
	r.began = time.Now()
	if r.to.Format != Asciicast {
		return
	}
	r.line(struct {
		Version   int               `json:"version"`
		Width     int               `json:"width"`
		Height    int               `json:"height"`
		Timestamp int64             `json:"timestamp"`
		Title     string            `json:"title"`
		Env       map[string]string `json:"env"`
	}{2, size.Cols, size.Rows, r.began.Unix(), title, map[string]string{"TERM": term}})
	r.event("o", string(screen))
}

// output writes what the far side did, and tells whether that has failed now.
func (r *Recording) output(p []byte) (failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.to.Failure
	if r.to.Format == Asciicast {
		text := append(r.partial, p...)
		whole := wholeCharacters(text)
		r.event("o", string(text[:whole]))
		r.partial = bytes.Clone(text[whole:])
	} else {
		r.write(p)
	}
	return r.to.Failure != before
}

// resize notes another size.
func (r *Recording) resize(size Size) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.to.Format == Asciicast {
		r.event("r", strconv.Itoa(size.Cols)+"x"+strconv.Itoa(size.Rows))
	}
}

// status is where it goes.
func (r *Recording) status() Recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.to
	to.Path = config.Printable(to.Path)
	return to
}

// close ends it.
func (r *Recording) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.to.Format == Asciicast {
		r.event("o", string(r.partial))
	}
	if r.file != nil {
		_ = r.file.Close() // each write was looked at
		r.file = nil
	}
}

// event writes an event of an asciicast: seconds since the beginning, what it
// is, and a text of UTF-8.
func (r *Recording) event(kind, text string) {
	if text != "" {
		r.line([]any{json.Number(fmt.Sprintf("%.6f", time.Since(r.began).Seconds())), kind, strings.ToValidUTF8(text, "\ufffd")})
	}
}

func (r *Recording) line(v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // numbers and texts always have a form
	r.write(b.Bytes())
}

// write writes until that fails: a full disk must not stop the shell.
func (r *Recording) write(p []byte) {
	if r.file == nil {
		return
	}
	if _, err := r.file.Write(p); err != nil {
		r.to.Failure = config.Printable(err.Error())
		_ = r.file.Close() // why it failed is known
		r.file = nil
	}
}

// wholeCharacters is how much of a text does not end within a character of
// UTF-8.
func wholeCharacters(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		at := len(text) - n
		if utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				return at
			}
			break
		}
	}
	return len(text)
}

// Record has a Shell's output go to a file from now on. It fails if there is one
// already, or all was shown.
func (sh *Shell) Record(r *Recording) error {
	sh.mu.Lock()
	switch {
	case sh.done:
		sh.mu.Unlock()
		return failure(transport.CodeClosed, "the shell has ended")
	case sh.recording != nil:
		sh.mu.Unlock()
		return failure(CodeExists, "the shell has a log already: %s", sh.recording.status().Path)
	}
	var shown []byte
	if !sh.screen.Untouched() {
		shown = sh.screen.Redraw()
	}
	r.begin(sh.size, sh.spec.Term, "sallyport "+config.Printable(sh.Session.Status().Host), shown)
	sh.recording = r
	sh.mu.Unlock()
	sh.tell()
	return nil
}

// StopRecording ends the file, and tells whether there was one.
func (sh *Shell) StopRecording() bool {
	sh.mu.Lock()
	old := sh.recording
	sh.recording = nil
	sh.mu.Unlock()
	if old == nil {
		return false
	}
	old.close()
	sh.tell()
	return true
}

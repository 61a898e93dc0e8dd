package api

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type frame struct {
	Kind    FrameKind
	Payload string
}

func readAll(r io.Reader) (frames []frame, err error) {
	var buf []byte
	for {
		kind, payload, err := ReadFrame(r, buf)
		if err != nil {
			return frames, err
		}
		frames = append(frames, frame{kind, string(payload)})
		buf = payload
	}
}

func TestFramesArriveAsTheyWereWritten(t *testing.T) {
	var wire bytes.Buffer
	w := NewFrameWriter(&wire)
	want := []frame{
		{FrameReady, ""},
		{FrameStdout, "hello\x00\xff"},
		{FrameStdin, ""},
		{FrameStderr, strings.Repeat("x", 100_000)},
	}
	for _, f := range want {
		if err := w.Write(f.Kind, []byte(f.Payload)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readAll(&wire)
	if err != io.EOF {
		t.Errorf("the stream ended with %v, want io.EOF", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frames differ (-written +read):\n%s", diff)
	}
}

func TestAStreamSplitsWhatIsTooLongForOneFrame(t *testing.T) {
	var wire bytes.Buffer
	long := strings.Repeat("0123456789abcdef", (2*MaxFrame+160)/16)
	n, err := io.WriteString(NewFrameWriter(&wire).Stream(FrameStdout), long)
	if n != len(long) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(long), err)
	}
	frames, _ := readAll(&wire)
	if len(frames) != 3 {
		t.Errorf("%d frames, want 3", len(frames))
	}
	var got strings.Builder
	for _, f := range frames {
		got.WriteString(f.Payload)
	}
	if got.String() != long {
		t.Error("the text changed on its way")
	}
}

func TestDamagedFramesAreErrors(t *testing.T) {
	oversized := binary.BigEndian.AppendUint32([]byte{'o'}, MaxFrame+1)
	for name, row := range map[string]struct {
		wire []byte
		want string
	}{
		"a head cut short":      {[]byte{'o', 0, 0}, io.ErrUnexpectedEOF.Error()},
		"a payload cut short":   {[]byte{'o', 0, 0, 0, 9, 'x'}, io.ErrUnexpectedEOF.Error()},
		"a payload not begun":   {[]byte{'o', 0, 0, 0, 9}, io.ErrUnexpectedEOF.Error()},
		"a frame over the size": {oversized, "frame of 1048577 bytes is over the limit of 1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ReadFrame(bytes.NewReader(row.wire), nil)
			if err == nil || err.Error() != row.want {
				t.Errorf("error %v, want %s", err, row.want)
			}
		})
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{'o', 0, 0, 0, 2, 'h', 'i', 'x', 0, 0, 0, 0})
	f.Add([]byte{'i', 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, wire []byte) {
		frames, err := readAll(bytes.NewReader(wire))
		if err == nil {
			t.Fatal("a finite stream has no end")
		}
		if !errors.Is(err, io.EOF) {
			return
		}
		var again bytes.Buffer
		w := NewFrameWriter(&again)
		for _, f := range frames {
			w.Write(f.Kind, []byte(f.Payload))
		}
		if !bytes.Equal(wire, again.Bytes()) {
			t.Errorf("%q was read as %v", wire, frames)
		}
	})
}

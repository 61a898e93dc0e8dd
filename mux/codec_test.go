package mux

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wire are messages as OpenSSH 9.2 sends them, those of infoExtension as 10.6
// does, in hexadecimal.
var wire = []struct {
	name, text string
	message    message
}{
	{"a hello", "00000001 00000004", &helloMsg{Version: 4}},
	{"a hello with an extension", "00000001 00000004 00000001 61 00000002 6263", &helloMsg{Version: 4, Extensions: []string{"a", "bc"}}},
	{"an alive check", "10000004 00000007", &aliveCheckMsg{7}},
	{
		"a session whose flags are numbers of four bytes",
		"10000002 00000001 00000000 00000001 00000000 00000000 00000001 0000007e 00000005 7674313030 00000002 6c73 00000003 413d62",
		&newSessionMsg{Request: 1, TTY: true, Subsystem: true, Escape: '~', Term: "vt100", Command: "ls", Env: []string{"A=b"}},
	},
	{
		"a stdio forward whose port is a number",
		"10000008 00000001 00000000 00000001 68 00000016",
		&stdioForwardMsg{Request: 1, Host: "h", Port: 22},
	},
	{
		"a forward from a socket",
		"10000006 00000000 00000001 00000002 2f73 fffffffe 00000001 68 00000050",
		&openForwardMsg{forwardFields: forwardFields{1, "/s", streamLocal, "h", 80}},
	},
	{"a request for proxy mode", "1000000f 00000000", &proxyMsg{}},
	{"a refusal", "80000003 00000002 00000002 6e6f", &failureMsg{2, "no"}},
	{"a question for what is open", "20000001 00000000 00000008 6368616e6e656c73", &infoMsg{What: "channels"}},
	{"what is told of it", "90000001 0000004d 00000001 00000003 610d0a", &infoReplyMsg{77, true, "a\r\n"}},
	{"an exit status", "80000004 00000003 000000ff", &exitMsg{3, 255}},
}

func TestMessagesAreThoseOfOpenSSH(t *testing.T) {
	for _, row := range wire {
		t.Run(row.name, func(t *testing.T) {
			text := unhex(t, row.text)
			got, err := decode(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.message, got, cmp.AllowUnexported(newSessionMsg{}, stdioForwardMsg{}, openForwardMsg{})); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			again, err := encode(row.message)
			if err != nil || !bytes.Equal(again, text) {
				t.Errorf("encoded: %x, %v", again, err)
			}
		})
	}
}

func TestACommandAndTheEnvironmentFollowTheRestOfARequest(t *testing.T) {
	spec := Spec{Subsystem: true, Term: "vt100", Command: "ls -l", Env: []string{"A=b", "C=d"}}
	before, err := spec.Before()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := encode(spec.message(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ls -l", "A=b", "C=d"} {
		before = append(append(before, 0, 0, 0, byte(len(text))), text...)
	}
	if !bytes.Equal(before, whole) {
		t.Errorf("got  %x\nwant %x", before, whole)
	}
}

func TestBrokenMessagesAreRefused(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", errShort},
		{"half a type", "1000", errShort},
		{"no body", "10000004", errShort},
		{"a string that is longer than the message", "80000003 00000000 ffffffff 61", errShort},
		{"a string with a NUL", "80000003 00000000 00000003 610062", errNUL},
		{"an extension cut short", "00000001 00000004 00000009 61", errShort},
		{"an unknown type", "10000099 00000005", unknownError{0x10000099, 5}},
		{"an unknown type without a number", "10000099", unknownError{kind: 0x10000099}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if m, err := decode(unhex(t, row.text)); !errors.Is(err, row.want) {
				t.Errorf("decoded to %#v, %v; want %v", m, err, row.want)
			}
		})
	}
}

func TestAStringMayEndWithANUL(t *testing.T) {
	m, err := decode(unhex(t, "80000003 00000000 00000002 6100"))
	if diff := cmp.Diff(&failureMsg{Reason: "a"}, m); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestFramesAreReadToTheByte(t *testing.T) {
	r := strings.NewReader("\x00\x00\x00\x02abrest")
	if text, err := readFrame(r); string(text) != "ab" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "rest" {
		t.Errorf("%q is left", rest)
	}
}

func TestHugeFramesAreRefusedBeforeTheyAreRead(t *testing.T) {
	_, err := readFrame(strings.NewReader("\x00\x04\x00\x01"))
	if err == nil || err.Error() != "a message of 262145 bytes, where 262144 are the limit" {
		t.Errorf("got %v", err)
	}
	if _, err := encode(&newSessionMsg{Command: strings.Repeat("x", maxMessage)}); err == nil {
		t.Error("a command that is too long was encoded")
	}
}

func TestAFrameTakesNoMoreMemoryThanItHas(t *testing.T) {
	text := []byte("\x00\x04\x00\x00only this")
	const times = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		readFrame(bytes.NewReader(text))
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / times; per > 8<<10 {
		t.Errorf("%d bytes for a frame of 9 bytes that announces 256 KiB", per)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	text, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// FuzzMessage: whatever comes, decoding ends in a message or an error; a
// message means the same once it is written and read again.
func FuzzMessage(f *testing.F) {
	for _, row := range wire {
		f.Add(unhex(f, row.text))
	}
	f.Add(unhex(f, "10000002 00000000 00000001 78 00000002"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decode(text)
		if err != nil {
			return
		}
		again, err := encode(m)
		if err != nil {
			t.Fatalf("%#v cannot be written: %v", m, err)
		}
		got, err := decode(again)
		if err != nil {
			t.Fatalf("%x, which is %#v, cannot be read: %v", again, m, err)
		}
		if third, err := encode(got); err != nil || !bytes.Equal(again, third) {
			t.Errorf("%x became %x, %v", again, third, err)
		}
	})
}

// FuzzForward: a forward that was read is written as it came.
func FuzzForward(f *testing.F) {
	f.Add(uint32(1), "", uint32(8080), "localhost", uint32(80))
	f.Add(uint32(2), "/s", uint32(streamLocal), "/t", uint32(streamLocal))
	f.Add(uint32(3), "*", uint32(1080), "socks", uint32(0))
	f.Add(uint32(4), "", uint32(65536), "", uint32(1))
	f.Fuzz(func(t *testing.T, kind uint32, lhost string, lport uint32, chost string, cport uint32) {
		m := forwardFields{kind, lhost, lport, chost, cport}
		fwd, valid, err := m.forward()
		if err != nil || !valid {
			return
		}
		if fwd.Type == Dynamic {
			m.ConnectHost, m.ConnectPort = "socks", 0
		}
		if got := fwd.message(); got != m {
			t.Errorf("%+v became %+v", m, got)
		}
	})
}

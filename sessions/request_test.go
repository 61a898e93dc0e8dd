package sessions

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/transport"
)

func TestModesAreEncodedInOrder(t *testing.T) {
	got := encodeModes(map[uint8]uint32{53: 1, 1: 3, 128: 38400, 0: 7})
	want := "\x01\x00\x00\x00\x03" + "\x35\x00\x00\x00\x01" + "\x80\x00\x00\x96\x00" + "\x00"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVariables(t *testing.T) {
	for _, row := range []struct {
		name            string
		env             transport.Env
		sendEnv, setEnv []string
		want            []envMessage
	}{
		{"nothing is sent unasked", transport.Env{"LANG=C"}, nil, nil, nil},
		{"a pattern sends what it names", transport.Env{"LANG=C", "LC_ALL=de", "LC=x"}, []string{"LC_*"}, nil, []envMessage{{"LC_ALL", "de"}}},
		{"a name without a value is sent empty", transport.Env{"A="}, []string{"A"}, nil, []envMessage{{"A", ""}}},
		{"what is no variable is not sent", transport.Env{"A"}, []string{"*"}, nil, nil},
		{"SetEnv comes last, and wins", transport.Env{"A=1"}, []string{"A"}, []string{"A=2=3"}, []envMessage{{"A", "1"}, {"A", "2=3"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, variables(row.env, row.sendEnv, row.setEnv)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("LC_*", "LC_ALL")
	f.Add("*a*b?", "xaxabbc")
	f.Add("**", "")
	f.Add("?", "")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if strings.ContainsFunc(pattern+name, func(r rune) bool { return r > 0x7e || r < ' ' }) {
			return // a regular expression counts characters, ssh bytes
		}
		quoted := regexp.QuoteMeta(pattern)
		quoted = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(quoted)
		want := regexp.MustCompile(`^` + quoted + `$`).MatchString(name)
		if got := matches(pattern, name); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
	})
}

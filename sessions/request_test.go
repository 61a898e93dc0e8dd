package sessions

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/rfc4254"
	"sallyport/transport"
)

func TestVariables(t *testing.T) {
	for _, row := range []struct {
		name            string
		env             transport.Env
		sendEnv, setEnv []string
		want            []rfc4254.Env
	}{
		{"nothing is sent unasked", transport.Env{"LANG=C"}, nil, nil, nil},
		{"a pattern sends what it names", transport.Env{"LANG=C", "LC_ALL=de", "LC=x"}, []string{"LC_*"}, nil, []rfc4254.Env{{Name: "LC_ALL", Value: "de"}}},
		{"a name without a value is sent empty", transport.Env{"A="}, []string{"A"}, nil, []rfc4254.Env{{Name: "A"}}},
		{"what is no variable is not sent", transport.Env{"A"}, []string{"*"}, nil, nil},
		{"SetEnv comes last, and wins", transport.Env{"A=1"}, []string{"A"}, []string{"A=2=3"}, []rfc4254.Env{{Name: "A", Value: "1"}, {Name: "A", Value: "2=3"}}},
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

package config

import (
	"strings"
	"testing"
)

// newestConfig is an empty configuration as the newest release reads it, with
// the options that Debian adds.
func newestConfig() *Config {
	return &Config{dialect: newDialect(newest, true), parsed: map[fileKey]*file{}}
}

func TestEveryOptionHasHelp(t *testing.T) {
	for i, row := range newestConfig().Keywords() {
		k := kUser + key(i)
		if row.Lacking != "" {
			t.Errorf("%s is lacking in the newest release: %s", row.Name, row.Lacking)
		}
		if sentences := strings.Count(row.Help+" ", ". "); !strings.HasSuffix(row.Help, ".") || sentences < 1 || sentences > 3 || len(row.Help) > 190 {
			t.Errorf("the help of %s is not one or two short sentences: %q", row.Name, row.Help)
		}
		if row.Format == "" {
			t.Errorf("%s does not say how its value is written", row.Name)
		}
		if own := helps[k].format != (format{}); own == (len(row.Choices) > 0) {
			t.Errorf("%s has %d choices, and a format of its own: %v", row.Name, len(row.Choices), own)
		}
	}
	for k := range helps {
		if k < kUser || k >= kForwardAgentPath {
			t.Errorf("there is help for %d, which is no option", k)
		}
	}
}

func TestEveryOptionTakesItsExampleAndItsChoices(t *testing.T) {
	c := newestConfig()
	for i, row := range c.Keywords() {
		values := row.Choices
		if len(values) == 0 {
			values = []string{helps[kUser+key(i)].format.example}
		}
		for _, value := range values {
			if why := c.Judge(row.Name, value); why != "" {
				t.Errorf("%s %s: %s", row.Name, value, why)
			}
		}
	}
}

func TestAFormatIsTakenFromTheTable(t *testing.T) {
	formats := map[string]string{}
	for _, row := range newestConfig().Keywords() {
		formats[row.Name] = row.Format
	}
	for keyword, want := range map[string]string{
		"Compression":           "yes or no",
		"StrictHostKeyChecking": "yes, no, accept-new or ask",
		"AddressFamily":         "any, inet or inet6",
		"Tunnel":                "yes, no, ethernet or point-to-point",
		"PubkeyAuthentication":  "yes, no, host-bound or unbound",
		"SessionType":           "default, none or subsystem",
	} {
		if got := formats[keyword]; got != want {
			t.Errorf("%s takes %q, not %q", keyword, got, want)
		}
	}
}

func TestAnOptionThatThisSSHLacksSaysWhy(t *testing.T) {
	c := &Config{dialect: newDialect(v9_2, false)}
	lacking := map[string]string{}
	for _, row := range c.Keywords() {
		if row.Lacking != "" {
			lacking[row.Name] = row.Lacking
		}
	}
	for keyword, want := range map[string]string{
		"RefuseConnection":     "needs OpenSSH 10.1; the ssh of this computer is 9.2",
		"Tag":                  "needs OpenSSH 9.4; the ssh of this computer is 9.2",
		"GSSAPIKeyExchange":    "the ssh of this computer was built without GSSAPI key exchange",
		"GSSAPIAuthentication": "",
		"User":                 "",
	} {
		if lacking[keyword] != want {
			t.Errorf("%s: %q, not %q", keyword, lacking[keyword], want)
		}
	}
}

func TestAValueIsJudgedInTheWordsOfSSH(t *testing.T) {
	c := newestConfig()
	for _, row := range []struct{ name, keyword, value, want string }{
		{"a port", "Port", "2222", ""},
		{"a port that is too high", "port", "70000", "Bad port '70000'."},
		{"no value", "Port", "  ", "Port needs a value"},
		{"two words where one is wanted", "User", "a b", "keyword user extra arguments at end of line"},
		{"two words in quotes", "User", `"a b"`, ""},
		{"a quote that is not closed", "User", `"a b`, "invalid quotes"},
		{"a word that is no choice", "Compression", "maybe", `unsupported option "maybe".`},
		{"a time", "ConnectTimeout", "5 minutes", "keyword connecttimeout extra arguments at end of line"},
		{"a time with a wrong unit", "ConnectTimeout", "5x", "invalid time value."},
		{"a control character", "User", "a\nb", `"a\\x0ab" holds a control character, which a line cannot`},
		{"a forward as on a line", "LocalForward", "8080 localhost:80", ""},
		{"a forward as behind -L", "LocalForward", "8080:localhost:80", ""},
		{"a forward without a far end", "LocalForward", "8080", "Missing target argument."},
		{"a keyword that ssh does not know", "Colour", "red", "Bad configuration option: colour"},
		{"an older name", "PubkeyAcceptedKeyTypes", "nothing", "Bad key types 'nothing'."},
		{"a line that is no option", "Include", "x", "Include is no option of a host"},
		{"an option of the past", "Cipher", "3des", "ssh does nothing with Cipher any more"},
	} {
		if got := c.Judge(row.keyword, row.value); got != row.want {
			t.Errorf("%s: %q, not %q", row.name, got, row.want)
		}
	}
}

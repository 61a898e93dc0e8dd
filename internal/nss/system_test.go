package nss

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const thisHost = "Wall"

// names are asked for on each machine of TestNamesLeftToLibc.
var names = []string{"dragon.test", "dragon.local", "DRAGON.LOCAL.", "localhost", "a.localhost.", "_gateway", "wall", "wall.test", `back\slash`, "fe80::1%lo"}

// TestNamesLeftToLibc has machines whose files say different things.
func TestNamesLeftToLibc(t *testing.T) {
	const all = "all" // of names, else the last two, which package net never takes
	for _, row := range []struct{ name, nsswitch, resolv, gai, env, want string }{
		{"files and dns", "hosts: files dns", "", "", "", ""},
		{"no file", "", "", "", "", ""},
		{"no line for hosts", "passwd: ldap\n", "", "", "", ""},
		{"only files", "hosts: files", "", "", "", ""},
		{"dns before files", "hosts:\tdns\tfiles # myhostname", "", "", "", ""},
		{"an own database", "hosts: files ldap dns", "", "", "", all},
		{"systemd-resolved", "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", "", "", "", all},
		{"windows names", "hosts: files wins dns", "", "", "", all},
		{"mDNS", "hosts: files mdns4_minimal [NOTFOUND=return] dns", "", "", "", "dragon.local DRAGON.LOCAL."},
		{"mDNS for all names", "hosts: files mdns dns", "mdns.allow", "", "", all},
		{"this machine", "hosts: files dns myhostname", "", "", "", "localhost a.localhost. _gateway wall"},
		{"actions that change nothing", "hosts: files [SUCCESS=return NotFound=continue] dns [notfound=return tryagain=return]", "", "", "", ""},
		{"no name servers for who is in no file", "hosts: files [NOTFOUND=return] dns", "", "", "", all},
		{"an action that is negated", "hosts: files [!UNAVAIL=return] dns", "", "", "", all},
		{"all that know a host", "hosts: files[success=continue]dns", "", "", "", all},
		{"an action that there is not", "hosts: files [x] dns", "", "", "", all},
		{"a bracket that is not closed", "hosts: files [notfound=continue dns", "", "", "", all},
		{"an action of nothing", "hosts: [notfound=return] dns", "", "", "", all},
		{"a line without a colon", "hosts: files dns\nnonsense\n", "", "", "", all},
		{"two lines", "hosts: files\nhosts: nis", "", "", "", all},
		{"usual options", "hosts: files dns", "; a comment\n# another\nnameserver 127.0.0.53\n\noptions edns0 trust-ad ndots:2 rotate\nsearch a.test b.test\n", "", "", ""},
		{"an unknown option", "hosts: files dns", "options edns0 no-aaaa\n", "", "", all},
		{"an unknown keyword", "hosts: files dns", "sortlist 10.0.0.0\n", "", "", all},
		{"an order of addresses", "hosts: files dns", "", "# IPv4 first\nprecedence ::ffff:0:0/96 100 # now\n", "", all},
		{"the order that comes with a system", "hosts: files dns", "", "# label  ::1/128 0\n\n  # precedence\n", "", ""},
		{"an own domain", "hosts: files dns", "", "", "LOCALDOMAIN", all},
		{"own options", "hosts: files dns", "", "", "RES_OPTIONS=ndots:3", all},
		{"own aliases", "hosts: files dns", "", "", "HOSTALIASES=/a", all},
		{"no own options", "hosts: files dns", "", "", "RES_OPTIONS", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := t.TempDir()
			write := func(name, text string) {
				if text == "" {
					return
				}
				if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write("nsswitch.conf", row.nsswitch)
			if row.resolv == "mdns.allow" {
				write("mdns.allow", "*\n")
			} else {
				write("resolv.conf", row.resolv)
			}
			write("gai.conf", row.gai)
			s := readSystem(root, environment(row.env))
			got := ""
			for _, name := range names {
				if s.leaves(name, thisHost) {
					got += " " + name
				}
			}
			want := strings.TrimSuffix(" "+row.want, " ") + ` back\slash fe80::1%lo`
			if row.want == all {
				want = " " + strings.Join(names, " ")
			}
			if got != want {
				t.Errorf("libc is asked for%s\nwant%s", got, want)
			}
		})
	}
}

// environment has one variable, "NAME=value".
func environment(variable string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if set, value, _ := strings.Cut(variable, "="); set == name {
			return value, true
		}
		return "", false
	}
}

func TestUsersOfOtherSources(t *testing.T) {
	for text, want := range map[string]bool{
		"passwd: files":         false,
		"passwd:\tfiles  # sss": false,
		"hosts: files ldap":     false,
		"":                      false,
		"passwd: files systemd": true,
		"passwd: compat":        true,
		"passwd: sss files":     true,
		"no colon":              true,
	} {
		databases, understood := parseSwitch(text)
		if got := (system{databases: databases, understood: understood}).hasMore("passwd"); got != want {
			t.Errorf("%s: more than files: %v, want %v", text, got, want)
		}
	}
}

func TestNameServersAreAmongTheSources(t *testing.T) {
	for text, want := range map[string]bool{"hosts: files dns": true, "": true, "hosts: files resolve": false} {
		databases, _ := parseSwitch(text)
		if got := (system{databases: databases}).asksNameServers(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func BenchmarkLeftToLibc(b *testing.B) {
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			leftToLibc("dragon.test")
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			readSystem("/", os.LookupEnv)
		}
	})
}

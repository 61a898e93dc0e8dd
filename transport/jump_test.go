package transport

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJumpListIsReadAsSSHReadsIt(t *testing.T) {
	for _, test := range []struct {
		name, list string
		want       []jump
	}{
		{"one host", "bastion", []jump{{host: "bastion"}}},
		{"three hosts in order", "a,b,c", []jump{{host: "a"}, {host: "b"}, {host: "c"}}},
		{"user and port", "me@bastion:2222", []jump{{"me", "bastion", "2222"}}},
		{"user with an @", "me@uni.example@bastion", []jump{{"me@uni.example", "bastion", ""}}},
		{"bracketed IPv6 with port", "[2001:db8::1]:2222", []jump{{"", "2001:db8::1", "2222"}}},
		{"bracketed IPv6 alone", "me@[::1]", []jump{{"me", "::1", ""}}},
		{"URI", "ssh://me@bastion:22", []jump{{"me", "bastion", "22"}}},
		{"URI with IPv6 and an empty path", "ssh://[::1]:22/", []jump{{"", "::1", "22"}}},
		{"URI with an encoded user", "ssh://a%20b@bastion", []jump{{"a b", "bastion", ""}}},
		{"leading zeros in the port", "bastion:00080", []jump{{"", "bastion", "80"}}},
		{"a colon without port", "bastion:", []jump{{host: "bastion"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseJumps(test.list)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(jump{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJumpListThatSSHRefusesIsRefused(t *testing.T) {
	for name, list := range map[string]string{
		"empty":                   "",
		"an empty member":         "a,,b",
		"an empty user":           "@bastion",
		"no host":                 "me@",
		"port zero":               "bastion:0",
		"port too large":          "bastion:65536",
		"port no number":          "bastion:ssh",
		"an open bracket":         "[::1",
		"text after the bracket":  "[::1]x",
		"IPv6 without brackets":   "2001:db8::1",
		"a path in the URI":       "ssh://bastion/x",
		"an option as a host":     "-oProxyCommand=x",
		"an option as a user":     "-x@bastion",
		"a shell command as host": "a;reboot",
		"a space in the host":     "a b",
		"another scheme":          "http://bastion",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parseJumps(list); err == nil {
				t.Errorf("parseJumps(%q) = %v", list, got)
			}
		})
	}
}

func FuzzParseJumps(f *testing.F) {
	for _, s := range []string{"a,b", "u@h:22", "[::1]:2", "ssh://u%40@h:1/", "ssh://a;b=c@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		jumps, err := parseJumps(list)
		if err != nil {
			return
		}
		again, err := parseJumps(joinJumps(jumps))
		if err != nil {
			t.Fatalf("%q was written as %q: %v", list, joinJumps(jumps), err)
		}
		if diff := cmp.Diff(jumps, again, cmp.AllowUnexported(jump{})); diff != "" {
			t.Fatalf("%q was written as %q: %s", list, joinJumps(jumps), diff)
		}
	})
}

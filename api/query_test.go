package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var queried = []Host{
	{Name: "web1", User: "dany", Tags: []string{"gpu", "Course"}, Comment: "in the left rack"},
	{Name: "web10", User: "eve", Tags: []string{"gpu-old"}, Via: []string{"gate", "inner"}},
	{Name: "db", User: "dany", File: "work.conf", HostName: "web1.example.org"},
	{Name: "2001:db8::1", User: "me"},
}

func TestQueries(t *testing.T) {
	for _, test := range []struct {
		what, query  string
		names, finds []string
	}{
		{"nothing names nobody and finds all", " ", nil, []string{"web1", "web10", "db", "2001:db8::1"}},
		{"an alias names itself alone, and finds what has it", "web1", []string{"web1"}, []string{"web1", "web10", "db"}},
		{"an alias is named with its capitals", "WEB1", nil, []string{"web1", "web10", "db"}},
		{"a pattern is one of the alias", "web*", []string{"web1", "web10"}, []string{"web1", "web10"}},
		{"a ? is one letter", "web?", []string{"web1"}, []string{"web1"}},
		{"a tag is a whole one, in any case", "tag:GPU", []string{"web1"}, []string{"web1"}},
		{"a tag may be a pattern", "tag:gpu*", []string{"web1", "web10"}, []string{"web1", "web10"}},
		{"no tag is no host", "tag:", nil, nil},
		{"no file is no host either", "file:", nil, nil},
		{"a hop of the way", "via:inner", []string{"web10"}, []string{"web10"}},
		{"a file", "file:work*", []string{"db"}, []string{"db"}},
		{"all words must fit", "user:dany web*", []string{"web1"}, []string{"web1"}},
		{"two names are none", "web1 db", nil, []string{"db"}},
		{"an address has colons too", "2001:db8::1", []string{"2001:db8::1"}, []string{"2001:db8::1"}},
		{"words of a comment find it and do not name it", "rack left", nil, []string{"web1"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			q := ParseQuery(test.query)
			if diff := cmp.Diff(test.names, chosen(q.Names)); diff != "" {
				t.Errorf("%q names: -want +got\n%s", test.query, diff)
			}
			if diff := cmp.Diff(test.finds, chosen(q.Finds)); diff != "" {
				t.Errorf("%q finds: -want +got\n%s", test.query, diff)
			}
		})
	}
}

// chosen are the names of those that fit.
func chosen(fits func(Host) bool) (names []string) {
	for _, h := range queried {
		if fits(h) {
			names = append(names, h.Name)
		}
	}
	return names
}

package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// With a keyword that ssh does not know in every block, a host is still looked
// up by its name alone.
func TestAHostDoesNotLookAtTheUnknownKeywordsOfOthers(t *testing.T) {
	for _, row := range []struct{ name, top string }{
		{"nothing lets them pass", ""},
		{"IgnoreUnknown lets them pass", "IgnoreUnknown Foo\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _ := loadText(t, row.top+numbered("Host h%d\n  Foo x\n", 1000), nil)
			if open := c.roots[0].file.index().open; len(open) > 0 {
				t.Errorf("%d blocks are looked at for every host", len(open))
			}
		})
	}
}

func TestManyRefusalsAreToldByTheirFirst(t *testing.T) {
	c, dir := loadText(t, "Host web\n  Foo 0\n"+numbered("  Port no%d\n", 20)+numbered("Host h%d\n  Foo x\n", 1000), nil)
	h, err := c.Resolve("web", Match{})
	first := Problem{Origin{dir + "/config", 2, "Host web"}, "Bad configuration option: foo", true}
	if err == nil || err.Error() != first.Error()+" (and more)" {
		t.Errorf("the error is %v", err)
	}
	var found Problem
	if !errors.As(err, &found) || found != first {
		t.Errorf("the first Problem is %v", found)
	}
	now, _ := h.Refusals()
	lines := 0
	for _, p := range now {
		lines += strings.Count(p.Message, "foo") + strings.Count(p.Message, "Bad port")
	}
	if lines != 1021 || !slices.IsSortedFunc(now, func(a, b Problem) int { return a.Origin.Line - b.Origin.Line }) {
		t.Errorf("%d lines are refused, want 1021 in order", lines)
	}
}

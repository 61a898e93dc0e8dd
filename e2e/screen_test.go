//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// screen is Sallyport's own, in a terminal.
type screen struct{ *pane }

// listTitle is what stands over the list of hosts and nowhere else.
const listTitle = `1 Hosts`

// openScreen starts the full-screen program and waits for its list.
func openScreen(t *testing.T, c *client, args ...string) *screen {
	t.Helper()
	s := &screen{c.pane(t, 120, 34, append([]string{"sallyport"}, args...)...)}
	s.list()
	return s
}

// list waits until the list of hosts is to be seen.
func (s *screen) list() {
	s.t.Helper()
	s.wait(listTitle)
}

// search finds a host and leaves it chosen.
func (s *screen) search(host string) {
	s.t.Helper()
	s.wait(`^│[▌ ].*\b` + quoted(host) + `\b`) // the configuration is read
	s.keys("/")
	s.text(host)
	s.wait(`/ *` + quoted(host))
	s.keys("Enter")
	// It is named over the pane of its details.
	s.wait(`┌─* ?` + quoted(host) + ` ?─`)
}

// shell finds a host and asks for a shell on it.
func (s *screen) shell(host string) {
	s.t.Helper()
	s.search(host)
	s.keys("Enter")
}

// quit leaves the program.
func (s *screen) quit() {
	s.t.Helper()
	s.keys("q")
	if status := s.ended(); status != 0 {
		s.t.Errorf("q ends the program with %d, want 0", status)
	}
}

// detail is the text of the pane at the right, its lines joined where it wraps.
func (s *screen) detail() string {
	s.t.Helper()
	var text strings.Builder
	for line := range strings.Lines(s.screen()) {
		columns := strings.Split(strings.TrimRight(line, "\n"), "│")
		if len(columns) < 4 {
			continue
		}
		text.WriteString(strings.Trim(columns[len(columns)-2], " "))
	}
	return text.String()
}

func quoted(s string) string { return regexp.QuoteMeta(s) }

// short is a result whose texts are cut to what a person reads.
func short(r result) string {
	cut := func(s string) string {
		if len(s) > 300 {
			return fmt.Sprintf("%.300q… (%d bytes)", s, len(s))
		}
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("status %d, out %s, errors %s", r.Status, cut(r.Out), cut(r.Errors))
}

package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row is a configuration that we and the real ssh must understand alike.
type row struct {
	name  string
	text  string            // of the file; DIR stands for its directory
	files map[string]string // beside it
	host  string            // "web" if empty
	match Match
	env   map[string]string
	since version // skipped where the installed ssh is older
}

// where finds file and line in what ssh says on stderr, and not in what the
// shell of a Match exec says there ("bash: -c: line 1: ...").
var where = regexp.MustCompile(`^([^:]+):? line (\d+): (.*)$`)

// compare resolves a row by both and reports the differences.
func compare(t *testing.T, r row) {
	t.Helper()
	if r.host == "" {
		r.host = "web"
	}
	dir := writeRow(t, r)
	for name, value := range r.env {
		t.Setenv(name, strings.ReplaceAll(value, "DIR", dir))
	}
	theirs := askSSH(t, dir+"/config", r.host, r.match)
	paths, err := File(dir + "/config")
	if err != nil {
		t.Fatal(err)
	}
	r.match.Execute = true
	r.match.Options = replaceDir(r.match.Options, dir)
	h, _ := Load(paths).Resolve(r.host, r.match)
	if why := disagree(h, theirs); why != "" {
		t.Errorf("%s\n--- config\n%s--- ssh says\n%s", why, r.text, strings.Join(theirs.stderr, "\n"))
	}
}

func writeRow(t testing.TB, r row) string {
	files := map[string]string{}
	for name, text := range r.files {
		files[name] = text
	}
	files["config"] = r.text
	dir, err := os.MkdirTemp("", "config") // t.TempDir has the row's name in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, "DIR", dir)
	}
	writeIn(t, dir, files)
	return dir
}

func replaceDir(options []string, dir string) []string {
	replaced := slices.Clone(options)
	for i := range replaced {
		replaced[i] = strings.ReplaceAll(replaced[i], "DIR", dir)
	}
	return replaced
}

// disagree is how our resolution differs from ssh's answer, "" if it does not.
func disagree(h *Host, theirs answer) string {
	ours := refusals(h)
	switch {
	case theirs.failed && len(ours) == 0:
		return "ssh refuses this, and we do not"
	case !theirs.failed && len(ours) > 0:
		return fmt.Sprintf("we refuse this, and ssh does not: %v", ours)
	case theirs.failed:
		return differentRefusal(ours, theirs.stderr)
	}
	if diff := cmp.Diff(theirs.lines, h.Lines()); diff != "" {
		return "-ssh +ours\n" + diff
	}
	return ""
}

// refusals are the fatal problems that ssh -G would meet, in order.
func refusals(h *Host) []Problem {
	now, _ := h.Refusals()
	return now
}

// differentRefusal compares the first line that both blame.
func differentRefusal(ours []Problem, stderr []string) string {
	for _, text := range stderr {
		m := where.FindStringSubmatch(text)
		if m == nil || strings.HasPrefix(m[3], "Unsupported option") { // which ssh only mentions
			continue
		}
		line, _ := strconv.Atoi(m[2])
		first := ours[0]
		if first.Origin.File != m[1] || first.Origin.Line != line {
			return fmt.Sprintf("ssh blames %s:%d (%s), we blame %s: %s", m[1], line, m[3], first.Origin, first.Message)
		}
		if !sameMessage(first.Message, m[3]) {
			return fmt.Sprintf("ssh says %q, we say %q", m[3], first.Message)
		}
		return ""
	}
	return ""
}

// sameMessage allows us to say more than ssh. What is not ASCII is escaped
// differently.
func sameMessage(ours, theirs string) bool {
	if i := strings.IndexByte(theirs, '\\'); i >= 0 {
		theirs = theirs[:i]
	}
	return strings.HasPrefix(ours, theirs)
}

func TestRowsResolveAsSSHDoes(t *testing.T) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if r.since > installed().version {
				t.Skipf("the installed ssh is older than %d.%d", r.since/100, r.since%100)
			}
			if r.env == nil {
				t.Parallel()
			}
			compare(t, r)
		})
	}
}

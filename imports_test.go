package main

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// walls says, for each package of the house, which of our own packages it may
// import. A package that is not listed has no place in the house yet.
//
//	{config, keys, mux} < transport < {sessions, tunnels, files} < api < {daemon, ui, demo} < cli < main
var walls = map[string]struct {
	may    []string
	reason string
}{
	"config":    {[]string{"internal/nss"}, "it is the ground floor: text in, hosts out"},
	"keys":      {[]string{"internal/brisk", "internal/nss"}, "it knows key files and agents, not hosts"},
	"mux":       {[]string{"internal/brisk", "internal/rfc4254"}, "it knows OpenSSH's protocol, not us"},
	"transport": {[]string{"config", "keys", "mux", "internal/brisk", "internal/nss", "internal/rfc4254"}, "connections stand on configuration and keys"},
	"sessions":  {[]string{"config", "keys", "mux", "transport", "internal/nss", "internal/rfc4254"}, "terminals run on a link"},
	"tunnels":   {[]string{"config", "keys", "mux", "transport", "internal/brisk", "internal/nss"}, "forwards run on a link"},
	"files":     {[]string{"config", "keys", "mux", "transport"}, "transfers run on a link"},
	"api":       {[]string{"config", "keys", "mux", "transport", "sessions", "tunnels", "files", "internal/brisk", "internal/nss"}, "the wire carries everybody's Status"},
	"daemon":    {[]string{"config", "keys", "mux", "transport", "sessions", "tunnels", "files", "api", "internal/brisk"}, "it owns links, sessions and tunnels"},
	"demo":      {[]string{"config", "keys", "mux", "transport", "sessions", "tunnels", "files", "api", "internal/rfc4254"}, "a network to try the product on, not a part of it"},
	"ui":        {[]string{"api"}, "the screen sees only the api"},
	"cli":       {[]string{"config", "keys", "mux", "transport", "sessions", "tunnels", "files", "api", "daemon", "demo", "ui", "internal/nss", "internal/start", "internal/again"}, "it puts the parts together"},
	"main":      {[]string{"cli"}, "it only exits"},
	"e2e":       {nil, "tests drive the built program, not its packages"},
	"bench":     {nil, "it measures the built program, not its packages"},

	"internal/brisk":   {nil, "it knows sockets, not what is sent over them"},
	"internal/nss":     {nil, "it knows the system's databases, not what for"},
	"internal/rfc4254": {nil, "it knows what is sent on a connection, not who sends it"},
	"internal/again":   {nil, "it has to be initialized before all that it could import"},
	"internal/start":   {nil, "it has to be initialized before all that it could import"},
	"internal/sshtest": {nil, "the tests of every package stand on it"},
}

// testsOnly are packages that no program may import, see packages.
var testsOnly = []string{"internal/sshtest"}

// only says which of our packages may import something from outside.
var only = map[string][]string{
	"github.com/kevinburke/ssh_config": {"config"},
	"github.com/pkg/sftp":              {"files"},
	"github.com/jcmturner/gokrb5/v8":   {"transport"},
	"github.com/rivo/tview":            {"ui"},
	"github.com/gdamore/tcell/v2":      {"ui"},
	"golang.org/x/term":                {"cli", "ui", "demo"},
}

// never says what a package must not import from outside.
var never = map[string][]string{
	"ui": {"golang.org/x/crypto", "github.com/pkg/sftp", "net", "os/exec"},
}

// nobody must import these.
var nobody = map[string]string{
	"text/template": reflecting,
	"html/template": reflecting,
}

const reflecting = "it calls methods by name, for which the linker keeps those of the whole program: each start pays"

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsKeepTheWalls(t *testing.T) {
	for _, p := range packages(t) {
		name := house(p.ImportPath)
		wall, ok := walls[name]
		if !ok {
			t.Errorf("package %s has no place in the house: give it a row in walls, with a reason", name)
			continue
		}
		for _, imp := range p.Imports {
			dep, ours := strings.CutPrefix(imp, "sallyport/")
			switch {
			case ours && slices.Contains(testsOnly, top(dep)):
				t.Errorf("%s imports %s, which is for tests only", name, dep)
			case ours && !slices.Contains(wall.may, top(dep)) && top(dep) != name:
				t.Errorf("%s imports %s: %s", name, dep, wall.reason)
			}
			for outside, may := range only {
				if within(imp, outside) && !slices.Contains(may, name) {
					t.Errorf("%s imports %s, which only %s may", name, imp, strings.Join(may, ", "))
				}
			}
			if reason, banned := nobody[imp]; banned {
				t.Errorf("%s imports %s: %s", name, imp, reason)
			}
			for _, outside := range never[name] {
				if imp == outside || strings.Contains(outside, ".") && within(imp, outside) {
					t.Errorf("%s must not import %s", name, imp)
				}
			}
		}
	}
}

// packages lists the module's packages with the imports of their programs,
// their tests left out: a test may stand on anything.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("go list printed: %v", err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

func house(path string) string {
	if path == "sallyport" {
		return "main"
	}
	return top(strings.TrimPrefix(path, "sallyport/"))
}

// top is the package of the house that path belongs to.
func top(path string) string {
	if strings.HasPrefix(path, "internal/") {
		return path
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}

func within(imp, path string) bool { return imp == path || strings.HasPrefix(imp, path+"/") }

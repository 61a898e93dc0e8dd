package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// loadText loads a user's configuration with files beside it.
func loadText(t testing.TB, text string, files map[string]string) (c *Config, dir string) {
	t.Helper()
	dir = writeRow(t, row{text: text, files: files})
	return load(Paths{User: dir + "/config", Home: dir, Explicit: true}, newDialect(v9_2, true)), dir
}

func TestHostsListsEveryAliasOnceInFileOrder(t *testing.T) {
	c, dir := loadText(t, `Host * !gone
  User x

# the gate
# of the house
# Tags: gate,  net
Host bastion "b 2" *.org
  Tag outer
Include DIR/more
Host last bastion
`, map[string]string{"more": "# own\n\nHost inner\nMatch host web\nhost=LAST\n"})
	path := dir + "/config"
	gate := Origin{path, 7, `Host bastion "b 2" *.org`}
	want := []Entry{
		{"bastion", gate, "the gate\nof the house", []string{"gate", "net", "outer"}},
		{"b 2", gate, "the gate\nof the house", []string{"gate", "net", "outer"}},
		{"inner", Origin{dir + "/more", 3, "Host inner"}, "", nil},
		{"LAST", Origin{dir + "/more", 5, "host=LAST"}, "", nil},
		{"last", Origin{path, 10, "Host last bastion"}, "", nil},
	}
	if diff := cmp.Diff(want, c.Hosts()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for i, name := range c.Names() {
		if e, ok := c.Entry(name); !ok || !cmp.Equal(e, want[i]) {
			t.Errorf("the entry of %q is %+v, want %+v", name, e, want[i])
		}
	}
	if e, ok := c.Entry("gone"); ok {
		t.Errorf("an entry for a pattern: %+v", e)
	}
	if diff := cmp.Diff([]string{path, dir + "/more"}, c.Files()); diff != "" {
		t.Errorf("files -want +got\n%s", diff)
	}
}

func TestOptionsKnowWhereTheyWereSet(t *testing.T) {
	c, dir := loadText(t, `Host web
  User bob
  LocalForward 8080 a:80
  IdentityFile ~/k
Match host w*
  Include DIR/inc
  User late
Host *
  ServerAliveInterval 30
`, map[string]string{"inc": "Port 2222\n"})
	path := dir + "/config"
	h, err := c.Resolve("web", Match{Options: []string{"Compression=yes"}})
	if err != nil {
		t.Fatal(err)
	}
	in := func(line int, block string) Origin { return Origin{path, line, block} }
	want := []Option{
		{"User", "bob", in(2, "Host web")},
		{"Port", "2222", Origin{dir + "/inc", 1, ""}},
		{"Compression", "yes", Origin{File: "command-line"}},
		{"ServerAliveInterval", "30", in(9, "Host *")},
		{"LocalForward", "8080 [a]:80", in(3, "Host web")},
		{"IdentityFile", "~/k", in(4, "Host web")},
	}
	if diff := cmp.Diff(want, slices.Collect(h.Options())); diff != "" {
		t.Errorf("options -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]Option{{"User", "late", in(7, "Match host w*")}}, h.Shadowed("user")); diff != "" {
		t.Errorf("shadowed -want +got\n%s", diff)
	}
	if o, set := h.IsSet("PORT"); !set || o.String() != dir+"/inc:1" {
		t.Errorf("IsSet(PORT) = %v, %v", o, set)
	}
	if o, set := h.IsSet("BatchMode"); set || o.String() != "default" {
		t.Errorf("IsSet(BatchMode) = %v, %v", o, set)
	}
	if o, _ := h.IsSet("Compression"); o.String() != "command line" {
		t.Errorf("IsSet(Compression) = %v", o)
	}
	forwards := []Forward{{"LocalForward", "8080", "a:80", in(3, "Host web")}}
	if diff := cmp.Diff(forwards, h.Forwards()); diff != "" {
		t.Errorf("forwards -want +got\n%s", diff)
	}
}

func TestGettersGiveWhatWillBeUsed(t *testing.T) {
	c, dir := loadText(t, `Host web
  HostName %h.example.org
  ProxyCommand nc %h %p # %n
  IdentityFile ~/%h
  IdentityFile none
  CertificateFile ~/c-%r
  UserKnownHostsFile ~/a /b
  DynamicForward [::1]:1080
  RemoteForward 9000
Host jump
  ProxyJump bob@a:23,[::2]
  HostName ::1
  Port ssh
`, nil)
	web, err := c.Resolve("bob@web", Match{Port: "2222"})
	if err != nil {
		t.Fatal(err)
	}
	files, set := web.IdentityFiles()
	got := map[string]any{
		"name": web.Name, "host": web.HostName(), "user": web.User(), "port": web.Port(), "jump": web.ProxyJump(),
		"command": web.ProxyCommand(), "keys": files, "set": set, "certificates": web.CertificateFiles(),
		"known": web.All("UserKnownHostsFile"), "line": web.Get("userknownhostsfile"), "forwards": len(web.Forwards()),
	}
	want := map[string]any{
		"name": "web", "host": "web.example.org", "user": "bob", "port": 2222, "jump": "",
		"command": "nc web.example.org 2222 # web", "keys": []string{dir + "/web.example.org"}, "set": true,
		"certificates": []string{dir + "/c-bob"}, "known": []string{dir + "/a", "/b"}, "line": dir + "/a /b", "forwards": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if f := web.Forwards(); f[0].Listen != "[::1]:1080" || f[0].Connect != "" || f[1].Keyword != "RemoteForward" || f[1].Connect != "" {
		t.Errorf("forwards %v", f)
	}
	jump, err := c.Resolve("jump", Match{})
	if err != nil || jump.ProxyJump() != "bob@a:23,[::2]" || jump.HostName() != "::1" || jump.Port() != 22 || jump.ProxyCommand() != "" {
		t.Errorf("jump %q, host %q, port %d, %v", jump.ProxyJump(), jump.HostName(), jump.Port(), err)
	}
	files, set = jump.IdentityFiles()
	if set || len(files) == 0 || files[0] != dir+"/.ssh/id_rsa" {
		t.Errorf("default keys %v, %v", files, set)
	}
}

func TestDrawingExecutesNothing(t *testing.T) {
	c, dir := loadText(t, `Match exec "touch DIR/ran"
  User bob
Match host other exec "touch DIR/ran"
  Port 1
Host web
  CanonicalizeHostname yes
  CanonicalDomains example.invalid
Match host web exec "touch DIR/ran" user bob
  Port 2
Match !exec "touch DIR/ran"
  Port 3
`, nil)
	h, err := c.Resolve("web", Match{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/ran"); err == nil {
		t.Error("a Match exec was run")
	}
	var lines []int
	for _, p := range h.Conditions() {
		lines = append(lines, p.Origin.Line)
	}
	if diff := cmp.Diff([]int{1, 10, 6}, lines); diff != "" {
		t.Errorf("conditions at lines -want +got\n%s", diff)
	}
	if h.User() == "bob" || h.Port() != 22 {
		t.Errorf("user %s, port %d", h.User(), h.Port())
	}
	opened, _ := c.Resolve("web", Match{Execute: true, Options: []string{"CanonicalizeHostname=no"}})
	if opened.User() != "bob" || opened.Port() != 2 || len(opened.Conditions()) > 0 {
		t.Errorf("opened: user %s, port %d, %v", opened.User(), opened.Port(), opened.Conditions())
	}
}

func TestProblemsNameTheirLineAndTheRestIsListed(t *testing.T) {
	c, dir := loadText(t, "Host a\n  Port x\nHost b\n  Foo y\nMatch who x\n  User bob\nHost c\n  RSAAuthentication yes\n  User\x00z\nInclude DIR/in\nHost d\n",
		map[string]string{"in": "Host e\nUser a b\n"})
	path := dir + "/config"
	want := []Problem{
		{Origin{path, 2, "Host a"}, "Bad port 'x'.", true},
		{Origin{path, 4, "Host b"}, "Bad configuration option: foo", true},
		{Origin{path, 5, "Match who x"}, "Bad Match condition: Unsupported Match attribute who", true},
		{Origin{path, 8, "Host c"}, `Unsupported option "rsaauthentication"`, false},
		{Origin{path, 9, ""}, "what follows the NUL byte is not read", false},
		{Origin{path, 9, "Host c"}, `no argument after keyword "user"`, true},
		{Origin{dir + "/in", 2, "Host e"}, "keyword user extra arguments at end of line", true},
	}
	if diff := cmp.Diff(want, c.Problems()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := aliases(c); !slices.Equal(got, []string{"a", "b", "c", "e", "d"}) {
		t.Errorf("hosts %v", got)
	}
	h, err := c.Resolve("c", Match{})
	if h == nil || h.User() == "bob" {
		t.Errorf("the Match that was not understood applied")
	}
	if n := strings.Count(err.Error(), "\n"); n != 4 {
		t.Errorf("%d lines of error, want 5: %v", n+1, err)
	}
	var first Problem
	if !errors.As(err, &first) || first.Error() != path+": line 2: Bad port 'x'." {
		t.Errorf("first error %v", first)
	}
}

func TestFilesThatCannotBeReadAreProblems(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	if c := Load(Paths{User: missing, System: missing, Home: dir}); len(c.Problems()) > 0 || len(c.Hosts()) > 0 {
		t.Errorf("no config is a problem: %v", c.Problems())
	}
	c := Load(Paths{User: missing, Home: dir, Explicit: true})
	want := []Problem{{Origin{File: missing}, "Can't open user config file " + missing + ": No such file or directory", true}}
	if diff := cmp.Diff(want, c.Problems()); diff != "" {
		t.Errorf("-F of a missing file: -want +got\n%s", diff)
	}
	if _, err := c.Resolve("web", Match{}); err == nil {
		t.Error("a missing -F file is no refusal")
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil { // root may read anything else
		t.Fatal(err)
	}
	if c := Load(Paths{User: loop, Home: dir}); len(c.Problems()) != 1 || !c.Problems()[0].Fatal {
		t.Errorf("an unreadable config: %v", c.Problems())
	}
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("User x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o666); err != nil {
		t.Fatal(err)
	}
	c = Load(Paths{User: open, Home: dir})
	want = []Problem{{Origin{File: open}, "Bad owner or permissions on " + open, true}}
	if diff := cmp.Diff(want, c.Problems()); diff != "" {
		t.Errorf("a config that others write: -want +got\n%s", diff)
	}
	if c := Load(Paths{User: open, Home: dir, Explicit: true}); len(c.Problems()) > 0 {
		t.Errorf("ssh does not mind who writes a -F file: %v", c.Problems())
	}
	if c := Load(Paths{User: "none", Home: dir, Explicit: true}); len(c.Problems()) > 0 || len(c.Files()) > 0 {
		t.Errorf("-F none: %v %v", c.Problems(), c.Files())
	}
}

func TestLateRefusalsAreErrorsThoughSSHPrintsThem(t *testing.T) {
	for name, text := range map[string]string{
		"ProxyCommand":    "ProxyCommand nc %h %z\n",
		"IdentityFile":    "IdentityFile ${CONFIG_TEST_UNSET}\n",
		"CertificateFile": "CertificateFile %q\n",
	} {
		c, _ := loadText(t, text, nil)
		if _, err := c.Resolve("web", Match{}); err == nil || !strings.Contains(err.Error(), "line 1: "+name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestTheUsersFileComesBeforeTheSystems(t *testing.T) {
	dir := write(t, map[string]string{
		"user":   "User a\nIdentityFile ~/k\nSendEnv A\n",
		"system": "User b\nPort 23\nIdentityFile ~/k\nSendEnv B\nInclude ~/x\n",
	})
	c := Load(Paths{User: dir + "/user", System: dir + "/system", Home: dir})
	h, err := c.Resolve("web", Match{})
	want := dir + "/system: line 5: bad include path ~/x."
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if h.User() != "a" || h.Port() != 23 {
		t.Errorf("user %s, port %d", h.User(), h.Port())
	}
	if got := h.All("SendEnv"); !slices.Equal(got, []string{"A", "B"}) {
		t.Errorf("SendEnv %v", got)
	}
	if got := h.All("IdentityFile"); len(got) != 2 {
		t.Errorf("a key of the user's and one of the system's are two: %v", got)
	}
}

func TestDumpEndsEveryLine(t *testing.T) {
	c, _ := loadText(t, "", nil)
	h, _ := c.Resolve("web", Match{})
	var b bytes.Buffer
	if err := h.Dump(&b); err != nil || b.String() != strings.Join(h.Lines(), "\n")+"\n" {
		t.Errorf("Dump: %v\n%s", err, b.String())
	}
}

func TestPrintableShowsWhatATerminalWouldActOn(t *testing.T) {
	for in, want := range map[string]string{
		"targaryen":         "targaryen",
		"Ærø ✓ 日本 [red]":    "Ærø ✓ 日本 [red]",
		"\x1b[31m":          `\x1b[31m`,
		"a\nb\tc\rd":        `a\x0ab\x09c\x0dd`,
		"\x00\x7f":          `\x00\x7f`,
		"\u0085\u009b":      `\u0085\u009b`,
		"\xff\xc3":          `\xff\xc3`,
		"\u202egnp.exe":     `\u202egnp.exe`,
		"\u2066a\u2069":     `\u2066a\u2069`,
		"\ufeffHost":        `\ufeffHost`,
		"a\u2028b":          `a\u2028b`,
		"\U000e0041x":       `\U000e0041x`,
		"a\u200db":          "a\u200db",
		"back\\slash":       "back\\slash",
		"nbsp\u00a0":        "nbsp\u00a0",
		"soft\u00adhyphen":  `soft\u00adhyphen`,
		"no\ue000thing":     `no\ue000thing`,
		"combining e\u0301": "combining e\u0301",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPrintableIsInertAndStays(f *testing.F) {
	f.Add("\x1b]52;c;x\a\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		p := Printable(s)
		if !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }) {
			t.Errorf("Printable(%q) = %q", s, p)
		}
		if again := Printable(p); again != p {
			t.Errorf("twice: %q, then %q", p, again)
		}
	})
}

// FuzzLoad checks that no text makes the parser panic or hang, that lines keep
// their places, and that what is listed can be resolved and shown.
func FuzzLoad(f *testing.F) {
	for _, r := range rows {
		if len(r.text) < 1000 {
			f.Add(r.text)
		}
	}
	dialect := newDialect(v9_2, true)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") || len(text) > 1<<16 {
			t.Skip("an Include would read the machine's files")
		}
		c := &Config{dialect: dialect, parsed: map[fileKey]*file{}, paths: Paths{Home: "/home/x"}}
		l := &loader{Config: c, words: words{dialect: dialect}}
		parsed := l.parse("fuzz", true, text, 0)
		c.roots = []root{{parsed, true}}
		checkLines(t, parsed, text)
		for _, e := range c.Hosts() {
			h, _ := c.Resolve(e.Name, Match{})
			h.Lines()
			c.Blocks(e.Name)
		}
		c.Check(CheckEnv{Stat: func(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }, HostsFile: os.DevNull})
	})
}

// checkLines puts the text together again from what was kept of it.
func checkLines(t *testing.T, f *file, text string) {
	t.Helper()
	lines := slices.Collect(strings.Lines(text))
	at := 0
	offsets := make([]int, len(lines))
	for i, line := range lines {
		offsets[i] = at
		at += len(line)
	}
	if f.text != text {
		t.Fatal("the text was changed")
	}
	for _, d := range f.directives {
		if offsets[d.line-1] != int(d.at) || !strings.HasPrefix(text[d.at:], lines[d.line-1]) {
			t.Errorf("line %d is at %d, not at %d", d.line, offsets[d.line-1], d.at)
		}
		if !strings.Contains(lines[d.line-1], d.rest) {
			t.Errorf("line %d %q does not hold %q", d.line, lines[d.line-1], d.rest)
		}
	}
	blocks := f.blocks
	for i := 1; i < len(blocks); i++ {
		if blocks[i].from != blocks[i-1].to {
			t.Errorf("block %d starts at %d, the one before ends at %d", i, blocks[i].from, blocks[i-1].to)
		}
	}
}

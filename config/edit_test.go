package config

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// editRow is an edit and what becomes of the file, or why it is refused.
type editRow struct {
	name   string
	text   string // DIR stands for the directory
	files  map[string]string
	edits  []Edit
	want   string
	why    string // part of the refusal
	inFile string // the file that changes; "config" if empty
}

func set(keyword, value string) Edit { return SetOption{"web", keyword, value} }

var editRows = []editRow{
	// Damage seen in others, asked to add one tag (section 1 of the traps).
	{name: "a tag writes no Port 22 into a block", text: "Host web\n  User bob\nHost *\n  Port 2200\n",
		edits: []Edit{SetTags{"web", []string{"lab"}}}, want: "# Tags: lab\nHost web\n  User bob\nHost *\n  Port 2200\n"},
	{name: "Host alpha beta is split without an empty HostName", text: "Host alpha beta\n  User bob\n",
		edits: []Edit{SetOption{"alpha", "Port", "2200"}}, want: "Host alpha\n  Port 2200\n\nHost alpha beta\n  User bob\n"},
	{name: "a tag of one of two names of a Host line is refused", text: "Host alpha beta\n  User bob\n",
		edits: []Edit{SetTags{"alpha", []string{"lab"}}}, why: `"alpha" shares its Host line with others`},
	{name: "a Match's User stays conditional", text: "Host web\n  HostName w\n\nMatch host w\n  User root\n",
		edits: []Edit{set("Port", "22 # x"), SetTags{"web", []string{"a"}}, set("Port", "2222")},
		want:  "# Tags: a\nHost web\n  HostName w\n  Port 2222\n\nMatch host w\n  User root\n"},
	{name: "one of several lines gets another value", text: "Host web\n  IdentityFile ~/a # old\n  IdentityFile \"~/b\"\n",
		edits: []Edit{ChangeOption{"web", "identityfile", "~/a", "~/c"}}, want: "Host web\n  IdentityFile ~/c # old\n  IdentityFile \"~/b\"\n"},
	{name: "a line that is no longer there is not changed", text: "Host web\n  User bob\n",
		edits: []Edit{ChangeOption{"web", "User", "alice", "eve"}}, why: `the block of "web" has no line User alice`},
	{name: "a line of a pattern is not changed for one host", text: "Host web\n  Port 1\nHost w*\n  User bob\n",
		edits: []Edit{ChangeOption{"web", "User", "bob", "eve"}}, why: `the block of "web" has no line User bob`},
	{name: "a line without effect is not changed", text: "Host web\n  User bob\n  User eve\n",
		edits: []Edit{ChangeOption{"web", "User", "eve", "mia"}}, why: `User bob at DIR/config:2 in "Host web" comes first`},
	{name: "a forward is written with its ends apart", text: "Host web\n  LocalForward 1 a:1\n",
		edits: []Edit{AddOption{"web", "LocalForward", "8080:localhost:80"}, ChangeOption{"web", "LocalForward", "1 a:1", "[::1]:1:b:2"}},
		want:  "Host web\n  LocalForward [::1]:1 b:2\n  LocalForward 8080 localhost:80\n"},
	{name: "no IdentityFile line is lost", text: "Host web\n  IdentityFile ~/a\n  IdentityFile ~/b\n",
		edits: []Edit{SetTags{"web", []string{"x"}}, set("User", "bob")},
		want:  "# Tags: x\nHost web\n  IdentityFile ~/a\n  IdentityFile ~/b\n  User bob\n"},
	{name: "every HostName=x stays as it is written", text: "Host web\n  HostName=x\n\tPort\t=\t23\nHost b\nHostName=y\n",
		edits: []Edit{set("Port", "24"), SetTags{"web", []string{"x"}}}, want: "# Tags: x\nHost web\n  HostName=x\n\tPort\t=\t24\nHost b\nHostName=y\n"},
	{name: "comments survive each toggle of a forward", text: "# gate\nHost web # its name\n  # jupyter\n  LocalForward 8080 localhost:80 # the page\n  # end\n",
		edits: []Edit{AddForward{"web", "LocalForward", "9000:localhost:90"}, RemoveForward{"web", "", "9000"}, SetTags{"web", []string{"x"}}, SetTags{"web", nil}},
		want:  "# gate\nHost web # its name\n  # jupyter\n  LocalForward 8080 localhost:80 # the page\n  # end\n"},

	// Bytes.
	{name: "CRLF stays and is copied", text: "Host web\r\n  User bob\r\nHost b\r\n  User x\r\n",
		edits: []Edit{set("Port", "23")}, want: "Host web\r\n  User bob\r\n  Port 23\r\nHost b\r\n  User x\r\n"},
	{name: "a value of a CRLF line changes alone", text: "Host web\r\n  User bob\t# he\r\n",
		edits: []Edit{set("User", "eve")}, want: "Host web\r\n  User eve\t# he\r\n"},
	{name: "a missing last newline stays missing", text: "Host web\n  User bob",
		edits: []Edit{set("Port", "23")}, want: "Host web\n  User bob\n  Port 23"},
	{name: "a missing last newline stays missing where a value changes", text: "Host web\n  User bob",
		edits: []Edit{set("User", "eve")}, want: "Host web\n  User eve"},
	{name: "a host is added behind a missing last newline", text: "Host web\n\tUser bob",
		edits: []Edit{AddHost{Name: "new", Options: []Assignment{{"Port", "23"}}}}, want: "Host web\n\tUser bob\n\nHost new\n\tPort 23"},
	{name: "tabs are copied from the neighbours", text: "Host web\n\tUser\tbob\n", edits: []Edit{set("Port", "23")}, want: "Host web\n\tUser\tbob\n\tPort\t23\n"},
	{name: "an equals sign is copied from the neighbours", text: "Host web\n User = bob\n", edits: []Edit{set("Port", "23")}, want: "Host web\n User = bob\n Port = 23\n"},
	{name: "lower case is copied from the neighbours", text: "host web\n user bob\n", edits: []Edit{set("HostName", "x")}, want: "host web\n user bob\n hostname x\n"},
	{name: "a column of values is kept", text: "Host web\n  HostName   x\n  User       bob\n", edits: []Edit{set("Port", "23")}, want: "Host web\n  HostName   x\n  User       bob\n  Port       23\n"},
	{name: "an empty block is written like its neighbour", text: "Host a\n   User=x\nHost web\n", edits: []Edit{set("Port", "23")}, want: "Host a\n   User=x\nHost web\n   Port=23\n"},
	{name: "quotes of a value are replaced with it", text: "Host web\n  User \"a b\" # c\n", edits: []Edit{set("User", "eve")}, want: "Host web\n  User eve # c\n"},
	{name: "a command is replaced to the end of its line", text: "Host web\n  ProxyCommand nc %h %p # x\n", edits: []Edit{set("ProxyCommand", "ncat %h %p")}, want: "Host web\n  ProxyCommand ncat %h %p\n"},
	{name: "what is the same already is no change", text: "Host web\n  User  \tbob\n", edits: []Edit{set("user", "bob")}, want: "Host web\n  User  \tbob\n"},
	{name: "bytes that are no UTF-8 stay", text: "# \xff\xfe\nHost web\n  User bob\n# \x80", edits: []Edit{set("User", "eve")}, want: "# \xff\xfe\nHost web\n  User eve\n# \x80"},

	// Where a value goes.
	{name: "a value goes below the last of its block", text: "Host web\n  User bob\n\n# next\nHost *\n  Port 23\n", edits: []Edit{set("Port", "24")},
		want: "Host web\n  User bob\n  Port 24\n\n# next\nHost *\n  Port 23\n"},
	{name: "a value that an earlier block sets goes above it", text: "# all\nHost w*\n  Port 23\n\nHost web\n  User bob\n", edits: []Edit{set("Port", "24")},
		want: "Host web\n  Port 24\n\n# all\nHost w*\n  Port 23\n\nHost web\n  User bob\n"},
	{name: "a value that a line before all blocks sets is refused", text: "Port 23\nHost web\n  User bob\n", edits: []Edit{set("Port", "24")},
		why: "Port 23 at DIR/config:1 comes first"},
	{name: "a dead line is not written anew", text: "Host w*\n  Port 23\nHost web\n  Port 24\n", edits: []Edit{set("Port", "25")},
		why: `Port 23 at DIR/config:2 in "Host w*" comes first`},
	{name: "a value of an included file changes there", text: "Include DIR/more\nHost x\n", files: map[string]string{"more": "Host web\n  User bob\n"},
		edits: []Edit{set("User", "eve")}, want: "Host web\n  User eve\n", inFile: "more"},
	{name: "edits in two files are refused", text: "Include DIR/more\nHost x\n  User u\n", files: map[string]string{"more": "Host web\n  User bob\n"},
		edits: []Edit{set("User", "eve"), SetOption{"x", "User", "v"}}, why: "the edits are in two files"},
	{name: "a value for one of two names leaves the other", text: "# both\n# Tags: t\nHost alpha beta\n  User bob\n", edits: []Edit{SetOption{"beta", "User", "eve"}},
		want: "# Tags: t\nHost beta\n  User eve\n\n# both\n# Tags: t\nHost alpha beta\n  User bob\n"},
	{name: "a host that no Host line names is refused", text: "Host w*\n", edits: []Edit{set("User", "eve")}, why: `no Host line names "web"`},
	{name: "ProxyJump behind a ProxyCommand is refused", text: "Host web\n  ProxyCommand nc %h %p\n", edits: []Edit{set("ProxyJump", "gate")}, why: "ProxyCommand nc %h %p at DIR/config:2"},

	// Values that ssh would refuse or that say nothing.
	{name: "a bad value is refused in ssh's words", text: "Host web\n", edits: []Edit{set("Port", "x")}, why: "Bad port 'x'."},
	{name: "a value of two words is refused in ssh's words", text: "Host web\n", edits: []Edit{set("User", "a b")}, why: "extra arguments"},
	{name: "an open quote is refused", text: "Host web\n", edits: []Edit{set("User", "\"a")}, why: "invalid quotes"},
	{name: "an unknown keyword is refused", text: "Host web\n", edits: []Edit{set("Colour", "red")}, why: "Bad configuration option: colour"},
	{name: "an unknown keyword is written where it is ignored", text: "IgnoreUnknown Use*\nHost web\n  User x\n", edits: []Edit{set("UseKeychain", "yes")}, want: "IgnoreUnknown Use*\nHost web\n  User x\n  UseKeychain yes\n"},
	{name: "a second line in a value is refused", text: "Host web\n", edits: []Edit{set("User", "a\nPort 1")}, why: "control character"},
	{name: "a keyword with a newline is refused", text: "Host web\n", edits: []Edit{set("User\n", "a")}, why: "is no keyword"},
	{name: "only a comment as a value is refused", text: "Host web\n", edits: []Edit{set("User", "# a")}, why: "Missing argument."},
	{name: "a default is not written", text: "Host web\n", edits: []Edit{set("Port", "22"), set("Compression", "no")}, want: "Host web\n"},
	{name: "a default is written where something else holds", text: "Host web\n  User x\nHost *\n  Port 23\n", edits: []Edit{set("Port", "22")}, want: "Host web\n  User x\n  Port 22\nHost *\n  Port 23\n"},
	{name: "a keyword that ssh sets for all hosts is refused", text: "Host web\n  User x\nHost b\n", edits: []Edit{set("SyslogFacility", "LOCAL3")}, why: "would change SyslogFacility of"},
	{name: "Include is no option", text: "Host web\n", edits: []Edit{set("Include", "x")}, why: "Include is no option of a host"},

	// Keywords with several values.
	{name: "one more IdentityFile", text: "Host web\n  IdentityFile a\n", edits: []Edit{AddOption{"web", "identityfile", "b"}}, want: "Host web\n  IdentityFile a\n  IdentityFile b\n"},
	{name: "setting one of two IdentityFiles is refused", text: "Host web\n  IdentityFile a\n  IdentityFile b\n", edits: []Edit{set("IdentityFile", "c")}, why: "2 IdentityFile lines"},
	{name: "an IdentityFile that is there is refused with its line", text: "Host web\n  IdentityFile a\n  IdentityFile b\n", edits: []Edit{AddOption{"web", "IdentityFile", "b"}}, why: "IdentityFile b at DIR/config:3"},
	{name: "one of two IdentityFiles is removed", text: "Host web\n  IdentityFile a # x\n  IdentityFile \"b\" # y\n", edits: []Edit{RemoveOption{"web", "IdentityFile", "b"}}, want: "Host web\n  IdentityFile a # x\n"},
	{name: "all lines of a keyword are removed", text: "Host web\n  IdentityFile a\n  User x\n  IdentityFile b", edits: []Edit{RemoveOption{"web", "IdentityFile", ""}}, want: "Host web\n  User x"},
	{name: "a block that was split off goes with its last line", text: "# Tags: t\nHost alpha\n  Port 23\n\n# both\n# Tags: t\nHost alpha beta\n  User x\n",
		edits: []Edit{RemoveOption{"alpha", "Port", ""}}, want: "# both\n# Tags: t\nHost alpha beta\n  User x\n"},
	{name: "the only block of a host stays without lines", text: "Host web\n  Port 23\n", edits: []Edit{RemoveOption{"web", "Port", ""}}, want: "Host web\n"},
	{name: "adding to a keyword with one value is refused", text: "Host web\n", edits: []Edit{AddOption{"web", "User", "b"}}, why: "User takes one value"},
	{name: "removing what others share is refused with its line", text: "Host alpha beta\n  User x\n", edits: []Edit{RemoveOption{"alpha", "User", ""}}, why: "User of \"alpha\" is set for others too, at DIR/config:2"},
	{name: "removing what is not there is refused", text: "Host web\n", edits: []Edit{RemoveOption{"web", "User", ""}}, why: "no User that could be taken away"},

	// Hosts.
	{name: "a host goes above the blocks for all", text: "Host a\n  User x\n\n# all\nHost *\n  Port 23\n\nMatch all\n  User y\n",
		edits: []Edit{AddHost{Name: "new", Options: []Assignment{{"hostname", "n.example.org"}, {"User", "me"}}, Tags: []string{"t"}}},
		want:  "Host a\n  User x\n\n# Tags: t\nHost new\n  HostName n.example.org\n  User me\n\n# all\nHost *\n  Port 23\n\nMatch all\n  User y\n"},
	{name: "a host goes to the end", text: "Host a\n  User x\n", edits: []Edit{AddHost{Name: "new"}}, want: "Host a\n  User x\n\nHost new\n"},
	{name: "a host goes above the block that would win", text: "Host n*\n  User x\n\nHost a\n", edits: []Edit{AddHost{Name: "new", Options: []Assignment{{"User", "me"}}}},
		want: "Host new\n  User me\n\nHost n*\n  User x\n\nHost a\n"},
	{name: "a host whose option cannot win is refused", text: "User x\nHost a\n", edits: []Edit{AddHost{Name: "new", Options: []Assignment{{"User", "me"}}}}, why: "User x at DIR/config:1 comes first"},
	{name: "a host that is there is refused with its line", text: "\nHost a b\n", edits: []Edit{AddHost{Name: "b"}}, why: `"b" is there already, at DIR/config:2`},
	{name: "a name with a space is refused", text: "", edits: []Edit{AddHost{Name: "a b"}}, why: "cannot be the name of a host"},
	{name: "a name with a newline is refused", text: "", edits: []Edit{AddHost{Name: "a\nUser x"}}, why: "cannot be the name of a host"},
	{name: "a pattern is no name", text: "", edits: []Edit{AddHost{Name: "w*"}}, why: "cannot be the name of a host"},
	{name: "a host is added to an empty file", text: "", edits: []Edit{AddHost{Name: "new", Options: []Assignment{{"Port", "22"}, {"User", "me"}}}}, want: "Host new\n    User me\n"},
	{name: "a host is added to an included file", text: "Include DIR/more\n", files: map[string]string{"more": "Host a\n User x\n"}, edits: []Edit{AddHost{Name: "new", Options: []Assignment{{"User", "y"}}, File: "DIR/more"}},
		want: "Host a\n User x\n\nHost new\n User y\n", inFile: "more"},
	{name: "a file that is not read is refused", text: "Host a\n", edits: []Edit{AddHost{Name: "new", File: "DIR/other"}}, why: "is not part of the configuration"},
	{name: "options that exclude each other are refused", text: "", edits: []Edit{AddHost{Name: "new", Options: []Assignment{{"User", "a"}, {"User", "b"}}}}, why: "User a at DIR/config:2"},
	{name: "a host goes with its comment", text: "Host a\n  User x\n\n# gate\nHost web\n  User y\n  # end\n\n# section\n\nHost b\n", edits: []Edit{RemoveHost{"web"}}, want: "Host a\n  User x\n\n# section\n\nHost b\n"},
	{name: "the last host goes with the blank line before it", text: "Host a\n  User x\n\nHost web\n  User y\n\n", edits: []Edit{RemoveHost{"web"}}, want: "Host a\n  User x\n"},
	{name: "the comment of the block above stays", text: "Host a\n  User x\n  # of a\nHost web\nHost b\n", edits: []Edit{RemoveHost{"web"}}, want: "Host a\n  User x\n  # of a\nHost b\n"},
	{name: "both blocks of a host go", text: "Host web\n  User y\n\nHost a\n\nHost web\n  Port 23\n", edits: []Edit{RemoveHost{"web"}}, want: "Host a\n"},
	{name: "one of three names goes off its Host line", text: "Host a  \"web\"\tb # c\n  User x\n", edits: []Edit{RemoveHost{"web"}}, want: "Host a\tb # c\n  User x\n"},
	{name: "the first of two names goes off its Host line", text: "Host web *.org\n  User x\n", edits: []Edit{RemoveHost{"web"}}, want: "Host *.org\n  User x\n"},
	{name: "a host that others jump through stays", text: "Host web\n\nHost b\n  ProxyJump a,me@web:22\n", edits: []Edit{RemoveHost{"web"}}, why: "ProxyJump a,me@web:22 at DIR/config:4"},
	{name: "a host that a ProxyCommand runs through stays", text: "Host web\n\nHost b\n  ProxyCommand ssh -W %h:%p me@web\n", edits: []Edit{RemoveHost{"web"}}, why: "at DIR/config:4"},
	{name: "a host that is not there cannot go", text: "Host a\n", edits: []Edit{RemoveHost{"web"}}, why: "no Host line names"},
	{name: "a block with an Include of other hosts stays", text: "Host web\n  Include DIR/more\n", files: map[string]string{"more": "Host inner\n"}, edits: []Edit{RemoveHost{"web"}}, why: `take "inner" away, too`},
	{name: "a new name is written on the Host line", text: "# c\nHost \"web\" # d\n  HostName h\n", edits: []Edit{RenameHost{"web", "www"}}, want: "# c\nHost www # d\n  HostName h\n"},
	{name: "a host without HostName keeps its address", text: "Host web\n  User x\n", edits: []Edit{RenameHost{"web", "www"}}, want: "Host www\n  User x\n  HostName web\n"},
	{name: "the jumps of others get the new name", text: "Host web\n  HostName h\nHost b\n  ProxyJump a,me@web:22 # c\nHost * !web\n  ProxyJump web\n", edits: []Edit{RenameHost{"web", "www"}},
		want: "Host www\n  HostName h\nHost b\n  ProxyJump a,me@www:22 # c\nHost * !www\n  ProxyJump www\n"},
	{name: "a new name that another block would miss is refused", text: "Host web\n  HostName h\nHost we*\n  Port 23\n", edits: []Edit{RenameHost{"web", "www"}}, why: "Port of \"web\" depends on its name, set at DIR/config:4"},
	{name: "a HostName made of the name is refused", text: "Host web\n  HostName %h.org\n", edits: []Edit{RenameHost{"web", "www"}}, why: "HostName of \"web\" depends on its name"},
	{name: "a name that is taken is refused", text: "Host web\n  HostName h\nHost www\n", edits: []Edit{RenameHost{"web", "www"}}, why: "is there already"},
	{name: "one of two names is renamed", text: "Host web b\n  HostName h\n", edits: []Edit{RenameHost{"b", "c"}}, want: "Host web c\n  HostName h\n"},

	// Forwards.
	{name: "a forward is written with its ends apart", text: "Host web\n", edits: []Edit{AddForward{"web", "localforward", "[::1]:8080:localhost:80"}, AddForward{"web", "RemoteForward", "9000"}, AddForward{"web", "DynamicForward", "localhost:1080"}, AddForward{"web", "LocalForward", "/run/a.sock:/run/b.sock"}},
		want: "Host web\n    LocalForward [::1]:8080 localhost:80\n    RemoteForward 9000\n    DynamicForward localhost:1080\n    LocalForward /run/a.sock /run/b.sock\n"},
	{name: "a forward that is there is refused with its line", text: "Host web\n  LocalForward 8080 a:80\n", edits: []Edit{AddForward{"web", "LocalForward", "8080:a:80"}}, why: "LocalForward 8080 a:80 at DIR/config:2"},
	{name: "a forward that ClearAllForwardings undoes is refused", text: "Host web\n  ClearAllForwardings yes\n", edits: []Edit{AddForward{"web", "LocalForward", "8080:a:80"}}, why: "ClearAllForwardings yes at DIR/config:2"},
	{name: "what is no forward is refused", text: "Host web\n", edits: []Edit{AddForward{"web", "LocalForward", "8080"}}, why: `"8080" is no forward`},
	{name: "a forward is removed by its port", text: "Host web\n  LocalForward 8080 a:80\n  LocalForward localhost:81 a:8080\n", edits: []Edit{RemoveForward{"web", "", "81"}}, want: "Host web\n  LocalForward 8080 a:80\n"},
	{name: "a port that means two forwards is refused", text: "Host web\n  LocalForward 81 a:80\n  RemoteForward 81 b:80\n", edits: []Edit{RemoveForward{"web", "", "81"}}, why: "means 2 lines"},
	{name: "a forward of one kind is removed", text: "Host web\n  LocalForward 81 a:80\n  RemoteForward 81 b:80\n", edits: []Edit{RemoveForward{"web", "RemoteForward", "81"}}, want: "Host web\n  LocalForward 81 a:80\n"},
	{name: "a forward of others stays", text: "Host web\nHost *\n  LocalForward 81 a:80\n", edits: []Edit{RemoveForward{"web", "", "81"}}, why: "set for others too, at DIR/config:3"},

	// Tags.
	{name: "a tag line changes in place", text: "#tags:a,b  \n# more\nHost web\n", edits: []Edit{SetTags{"web", []string{"b", "c"}}}, want: "#tags: b, c  \n# more\nHost web\n"},
	{name: "the same tags are no change", text: "#tags:a,b\nHost web\n", edits: []Edit{SetTags{"web", []string{"a", "b"}}}, want: "#tags:a,b\nHost web\n"},
	{name: "no tags take the line away", text: "# x\n# Tags: a\nHost web\n", edits: []Edit{SetTags{"web", nil}}, want: "# x\nHost web\n"},
	{name: "a new tag line ends as its neighbours", text: "Host web\r\n", edits: []Edit{SetTags{"web", []string{"a"}}}, want: "# Tags: a\r\nHost web\r\n"},
	{name: "a tag with a comma is refused", text: "Host web\n", edits: []Edit{SetTags{"web", []string{"a,b"}}}, why: "is no tag"},
}

func TestEditsChangeWhatTheyMeanAndNothingElse(t *testing.T) {
	for _, r := range editRows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			checkEdit(t, r)
		})
	}
}

func checkEdit(t *testing.T, r editRow) {
	dir := writeRow(t, row{text: r.text, files: r.files})
	here := func(s string) string { return strings.ReplaceAll(s, "DIR", dir) }
	name := "config"
	if r.inFile != "" {
		name = r.inFile
	}
	edits := append([]Edit(nil), r.edits...)
	for i, e := range edits {
		if add, ok := e.(AddHost); ok {
			add.File = here(add.File)
			edits[i] = add
		}
	}
	c := Load(Paths{User: dir + "/config", Home: dir})
	change, err := c.Edit(edits...)
	if r.why != "" {
		var refusal *Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, here(r.why)) {
			t.Fatalf("error %v, want one with %q", err, here(r.why))
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(here(r.want), string(change.After)); diff != "" && !(change.File == "" && here(r.want) == here(r.text)) {
		t.Fatalf("-want +got\n%s", diff)
	}
	if change.Empty() {
		return
	}
	if change.File != filepath.Join(dir, name) {
		t.Fatalf("the file is %s", change.File)
	}
	checkPatch(t, change)
	if err := change.Apply(t.Context(), dir+"/kept"); err != nil {
		t.Fatalf("apply: %v", err)
	}
	if got, _ := os.ReadFile(change.File); string(got) != here(r.want) {
		t.Errorf("the file is\n%s", got)
	}
}

// checkPatch lets patch(1) make the change by its diff.
func checkPatch(t *testing.T, c *Change) {
	t.Helper()
	patch, err := exec.LookPath("patch")
	if err != nil {
		return // unified is tested by itself
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, c.Before, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(patch, "--binary", "-s", path)
	cmd.Stdin = strings.NewReader(c.Diff())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("patch: %v\n%s\n%s", err, out, c.Diff())
	}
	if got, _ := os.ReadFile(path); string(got) != string(c.After) {
		t.Errorf("patch makes\n%q\nof\n%s", got, c.Diff())
	}
}

package api

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/config"
)

const formText = `User everybody

# Tags: lab, gpu
Host own
  hostname 10.0.0.5   # in the rack
  IdentityFile "~/.ssh/my key"
  Include nothing*

Host own shared
  Port 2222

Match host 10.0.0.5
  BatchMode yes
`

// formOf is the form of a host in that text, beside a system's file.
func formOf(t *testing.T, host string) (f Form, dir string, v *Inventory) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"config": formText, "system": "Host *\n  Compression yes\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v = ReadInventory(config.Paths{User: dir + "/config", System: dir + "/system", Home: dir})
	return v.Form(host), dir, v
}

func TestAFormHasTheLinesOfAHostAndWhatIsSetElsewhere(t *testing.T) {
	f, dir, _ := formOf(t, "own")
	path := dir + "/config"
	line := func(keyword, key, value, comment string, number int, block, locked string) FormLine {
		file := path
		if block == "Host *" {
			file = dir + "/system"
		}
		return FormLine{keyword, Setting{Key: key, Value: value, Comment: comment, Line: number}, config.Origin{File: file, Line: number, Block: block}, locked}
	}
	want := []FormLine{
		line("HostName", "hostname", "10.0.0.5", "in the rack", 5, "Host own", ""),
		line("IdentityFile", "IdentityFile", `"~/.ssh/my key"`, "", 6, "Host own", ""),
		line("Include", "Include", "nothing*", "", 7, "Host own", "it includes a file, which is edited by itself"),
		line("Port", "Port", "2222", "", 10, "Host own shared", `"Host own shared" is for other hosts, too`),
		line("User", "User", "everybody", "", 1, "", "it stands above all blocks and is for every host"),
		line("BatchMode", "BatchMode", "yes", "", 13, "Match host 10.0.0.5", `"Match host 10.0.0.5" is for other hosts, too`),
		line("Compression", "Compression", "yes", "", 2, "Host *", dir+"/system is the system's, and is not edited"),
	}
	if diff := cmp.Diff(want, f.Lines); diff != "" {
		t.Errorf("the lines: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"lab", "gpu"}, f.Tags); diff != "" || f.Host != "own" || f.File != path || f.Line != 4 || f.Opaque {
		t.Errorf("the form is of %q at %s:%d, opaque %v, tags %s", f.Host, f.File, f.Line, f.Opaque, diff)
	}
	for keyword, want := range map[string]config.Option{
		"HostName":     {Key: "HostName", Value: "10.0.0.5", Origin: config.Origin{File: path, Line: 5, Block: "Host own"}},
		"TCPKeepAlive": {Key: "TCPKeepAlive", Value: "yes"},
	} {
		if diff := cmp.Diff([]config.Option{want}, f.InForce[keyword]); diff != "" {
			t.Errorf("in force: -want +got\n%s", diff)
		}
	}
}

func TestTheFormOfANewHostHasWhatIsSetForAll(t *testing.T) {
	f, dir, _ := formOf(t, "")
	var keywords []string
	for _, l := range f.Lines {
		keywords = append(keywords, l.Keyword)
	}
	if diff := cmp.Diff([]string{"User", "Compression"}, keywords); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if f.File != dir+"/config" || f.Line != 0 || f.InForce["HostName"] != nil {
		t.Errorf("it is at %s:%d, and its HostName is %v", f.File, f.Line, f.InForce["HostName"])
	}
}

func TestARefusedEditIsAnErrorWithItsHint(t *testing.T) {
	_, dir, v := formOf(t, "own")
	_, err := v.Propose(context.Background(), SetOption{Host: "own", Keyword: "User", Value: "me"})
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeConfig || len(e.Hints) != 1 || e.Hints[0] != "change that line, or move it below the block of own" {
		t.Errorf("%#v", err)
	}
	change, err := v.Propose(context.Background(), ChangeOption{Host: "own", Keyword: "HostName", Was: "10.0.0.5", Value: "10.0.0.6"})
	if err != nil || change.Empty() {
		t.Fatalf("the change is %v, %v", change, err)
	}
	if text, err := os.ReadFile(dir + "/config"); string(text) != formText || err != nil {
		t.Errorf("a change that was only proposed was written:\n%s%v", text, err)
	}
	if err := os.WriteFile(dir+"/config", []byte("Host theirs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Propose(context.Background(), ChangeOption{Host: "own", Keyword: "HostName", Was: "10.0.0.5", Value: "10.0.0.6"}); !errors.As(err, &e) || len(e.Hints) == 0 {
		t.Errorf("a file that others have changed: %v", err)
	}
}

package config

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// edit is a random one of a host.
func (g generator) edit(host string) Edit {
	key := g.pick(randomKeys)
	value := strings.TrimPrefix(g.pick(randomValues[key]), "!")
	switch g.IntN(9) {
	case 0:
		return AddHost{Name: g.pick([]string{"new", host}), Options: []Assignment{{g.spell(key), value}, {"User", "newuser"}}, Tags: []string{"t"}}
	case 1:
		return RemoveHost{host}
	case 2:
		return RenameHost{host, g.pick([]string{"renamed", "web9", "db"})}
	case 3:
		return AddOption{host, "IdentityFile", g.pick([]string{"~/k1", "\"a b\"", "none"})}
	case 4:
		return RemoveOption{Host: host, Keyword: key}
	case 5:
		return AddForward{host, g.pick([]string{"LocalForward", "RemoteForward"}), g.pick([]string{"8080:localhost:80", "[::1]:1:a:2", "/r/a:/r/b"})}
	case 6:
		return SetTags{host, []string{g.pick([]string{"a", "b"}), "c"}}
	}
	return SetOption{host, g.spell(key), value}
}

// touched are the hosts that an edit may change.
func touched(e Edit) []string {
	switch e := e.(type) {
	case AddHost:
		return []string{e.Name}
	case RemoveHost:
		return []string{e.Name}
	case RenameHost:
		return []string{e.Old, e.New}
	case AddOption:
		return []string{e.Host}
	case RemoveOption:
		return []string{e.Host}
	case AddForward:
		return []string{e.Host}
	case SetTags:
		return []string{e.Host}
	case SetOption:
		return []string{e.Host}
	}
	return nil
}

// isTouched tells whether a name is one of them: ssh looks at it in lower case
// in its second pass.
func isTouched(e Edit, name string) bool {
	return slices.ContainsFunc(touched(e), func(host string) bool { return strings.EqualFold(host, name) })
}

// TestRandomEditsLeaveOtherHostsAlone edits random configurations, reads the
// files again, and compares all that ssh -G prints for every other host.
func TestRandomEditsLeaveOtherHostsAlone(t *testing.T) {
	t.Parallel()
	made := map[string]int{}
	for s := range uint64(300) {
		g := generator{rand.New(rand.NewPCG(s, 7))}
		r := g.row()
		dir := writeRow(t, r)
		paths := Paths{User: dir + "/config", Home: dir}
		before := Load(paths)
		hosts := before.Hosts()
		if len(hosts) == 0 {
			continue
		}
		e := g.edit(hosts[g.IntN(len(hosts))].Name)
		change, err := before.Edit(e)
		var refusal *Refusal
		if err != nil {
			if !errors.As(err, &refusal) {
				t.Errorf("seed %d: %#v: %v", s, e, err)
			}
			continue
		}
		if change.Empty() {
			continue
		}
		if err := os.WriteFile(change.File, change.After, 0o600); err != nil {
			t.Fatal(err)
		}
		made[fmt.Sprintf("%T", e)]++
		if why := othersDiffer(before, Load(paths), e); why != "" {
			t.Errorf("seed %d: %#v: %s\n%s", s, e, why, change.Diff())
		}
		if s%8 == 0 {
			sshAgrees(t, dir, before, Load(paths), e, change)
		}
	}
	t.Logf("edits made: %v", made)
	if len(made) < 7 {
		t.Errorf("only these kinds of edits were made: %v", made)
	}
}

// othersDiffer compares every host that was not edited.
func othersDiffer(before, after *Config, e Edit) string {
	names := slices.Clone(randomHosts)
	for _, c := range []*Config{before, after} {
		for _, h := range c.Hosts() {
			names = append(names, h.Name)
		}
	}
	for _, name := range names {
		if isTouched(e, name) {
			continue
		}
		was, _ := before.Resolve(name, Match{User: "u"})
		is, _ := after.Resolve(name, Match{User: "u"})
		old := strings.Join(was.Lines(), "\n")
		if r, ok := e.(RenameHost); ok {
			old = renameJumpLines(old, r)
		}
		if diff := cmp.Diff(old, strings.Join(is.Lines(), "\n")); diff != "" {
			return name + " -before +after\n" + diff
		}
	}
	return ""
}

// renameJumpLines is what ssh -G says after the rename of a jump host. The
// hash of the ControlPath knows the jump since 9.6.
func renameJumpLines(lines string, r RenameHost) string {
	all := strings.Split(lines, "\n")
	for i, line := range all {
		if hops, ok := strings.CutPrefix(line, "proxyjump "); ok {
			hops, _ = renameHops(hops, r.Old, r.New)
			all[i] = "proxyjump " + hops
		}
	}
	return strings.Join(all, "\n")
}

// sshAgrees asks the real ssh whether a host that was not edited is the same.
func sshAgrees(t *testing.T, dir string, before, after *Config, e Edit, c *Change) {
	t.Helper()
	for _, name := range randomHosts {
		if isTouched(e, name) {
			continue
		}
		is := askSSH(t, dir+"/config", name, Match{})
		writeIn(t, "", map[string]string{c.File: string(c.Before)})
		was := askSSH(t, dir+"/config", name, Match{})
		writeIn(t, "", map[string]string{c.File: string(c.After)})
		if was.failed && !is.failed {
			return // an edit may mend a file
		}
		old := strings.Join(was.lines, "\n")
		if r, ok := e.(RenameHost); ok {
			old = renameJumpLines(old, r)
		}
		if diff := cmp.Diff(old, strings.Join(is.lines, "\n")); diff != "" {
			t.Errorf("ssh -G %s after %#v: -before +after\n%s\n%s", name, e, diff, c.Diff())
		}
		return
	}
}

// FuzzEdit checks that no text makes an edit panic, that no other host changes,
// and that a second time there is nothing left to do.
func FuzzEdit(f *testing.F) {
	for i, r := range editRows {
		if r.files == nil {
			f.Add(r.text, "User", "eve", uint64(i))
		}
	}
	for i, r := range rows {
		if len(r.text) < 300 {
			f.Add(r.text, "Port", "23", uint64(i))
		}
	}
	dialect := newDialect(v9_2, true)
	f.Fuzz(func(t *testing.T, text, keyword, value string, s uint64) {
		if strings.Contains(strings.ToLower(text+keyword), "include") || len(text) > 1<<12 {
			return // an Include would read the machine's files
		}
		paths := Paths{User: "/nonexistent/config", Home: "/nonexistent"}
		before := loadWith(paths, dialect, &overlay{path: paths.User, text: text})
		hosts := before.Hosts()
		if len(hosts) == 0 {
			return
		}
		g := generator{rand.New(rand.NewPCG(s, 0))}
		host := hosts[g.IntN(len(hosts))].Name
		var e Edit = SetOption{host, keyword, value}
		if g.chance(50) {
			e = g.edit(host)
		}
		change, err := before.Edit(e)
		var refusal *Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		if err != nil || change.Empty() {
			return
		}
		after := loadWith(paths, dialect, &overlay{path: paths.User, text: string(change.After)})
		if why := othersDiffer(before, after, e); why != "" {
			t.Errorf("%#v: %s\n%s", e, why, change.Diff())
		}
		if _, ok := e.(SetOption); ok {
			again, err := after.Edit(e)
			if err != nil || !again.Empty() {
				t.Errorf("a second time: %#v: %v\n%s", e, err, change.Diff())
			}
		}
		checkDiff(t, change)
	})
}

// checkDiff puts both texts together again from the steps between them.
func checkDiff(t *testing.T, c *Change) {
	t.Helper()
	var before, after strings.Builder
	for _, s := range compareLines(splitLines(string(c.Before)), splitLines(string(c.After))) {
		if s.sign != '+' {
			before.WriteString(s.line)
		}
		if s.sign != '-' {
			after.WriteString(s.line)
		}
	}
	if before.String() != string(c.Before) || after.String() != string(c.After) {
		t.Errorf("the diff is wrong: %s", c.Diff())
	}
}

//go:build unix

package transport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/config"
	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// said words destinations without their keys.
func said(all []keys.Destination) string {
	var words []string
	for _, d := range all {
		from, to := "", d.To.Host
		if d.From.Host != "" {
			from = d.From.Host + ">"
		}
		if d.To.User != "" {
			to = d.To.User + "@" + to
		}
		words = append(words, from+to)
	}
	return strings.Join(words, " ")
}

func TestADestinationHasAStepForEachHop(t *testing.T) {
	dir := t.TempDir()
	known := filepath.Join(dir, "known_hosts")
	key := sshtest.WriteKey(t, filepath.Join(dir, "key")).PublicKey()
	line := strings.TrimSpace(string(keys.PublicLine(key, "")))
	text := "gate.example,10.0.0.7 " + line + "\n@cert-authority *.example " + line + "\n@revoked tower.example " + line + "\n"
	if err := os.WriteFile(known, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config")
	text = "Host tower\nHostName tower.example\nProxyJump gate\nHost gate\nHostName gate.example\nPort 2222\nHost cell\nHostName cell.invalid\n" +
		"Host alias\nHostKeyAlias Gate.Example\nHost *\nUserKnownHostsFile " + known + "\nGlobalKnownHostsFile none\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	paths, err := config.File(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Load(paths)
	for _, row := range []struct{ spec, want, refusal string }{
		{"gate", "gate.example", ""},
		{"jon@gate", "jon@gate.example", ""},
		{"tower", "gate.example tower.example", ""},
		{"jon@tower", "gate.example jon@tower.example", ""},
		{"gate>jon@tower", "gate.example>jon@tower.example", ""},
		{"alias", "gate.example", ""},
		{"jon@", "jon@", ""},
		{"gate>jon@", "gate.example>jon@", ""},
		{"", "", `"" is no destination of a key: it names neither a user nor a host`},
		{"gate>", "", `"gate>" is no destination of a key: it names neither a user nor a host`},
		{">tower", "", `">tower" is no destination of a key: it names neither a user nor a host`},
		{"jon@gate>tower", "", `"jon@gate>tower" is no destination of a key: the user at the host that the agent is forwarded to cannot be restricted`},
		{"cell", "", `no key of the host "cell.invalid" is known, by which an agent could tell it`},
	} {
		got, err := Destinations(cfg, row.spec)
		refusal := ""
		if err != nil {
			refusal = err.Error()
		}
		if diff := cmp.Diff([]string{row.want, row.refusal}, []string{said(got), refusal}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", row.spec, diff)
		}
	}
	all, err := Destinations(cfg, "gate")
	if err != nil || len(all[0].To.Keys) != 2 || all[0].To.Keys[0].Authority || !all[0].To.Keys[1].Authority {
		t.Errorf("the gate is known by %+v, %v", all, err)
	}
}

// TestAKeyForOneHostIsOfNoUseAtAnother has real servers and the real client,
// which tells the agent where it is going.
func TestAKeyForOneHostIsOfNoUseAtAnother(t *testing.T) {
	t.Parallel()
	here, there := sshtest.StartServer(t), sshtest.StartServer(t)
	opened, err := keys.Open(t.Context(), here.Path("id"), nil)
	if err != nil {
		t.Fatal(err)
	}
	public := read(t, here.Path("authorized_keys"))
	for _, s := range []*sshtest.Server{here, there} {
		s.Write(t, "authorized_keys", public)
		s.Write(t, "id.pub", public)
		if err := os.Remove(s.Path("id")); err != nil { // only the agent has it
			t.Fatal(err)
		}
	}
	paths, err := config.File(here.Path("ssh_config"))
	if err != nil {
		t.Fatal(err)
	}
	only, err := Destinations(config.Load(paths), sshtest.Alias)
	if err != nil {
		t.Fatal(err)
	}
	other := []keys.Destination{{To: only[0].To}}
	other[0].To.User = "nobody-else"
	for _, row := range []struct {
		name   string
		server *sshtest.Server
		only   []keys.Destination
		in     bool
	}{
		{"a key for everywhere", there, nil, true},
		{"a key for this host", here, only, true},
		{"a key for another host", there, only, false},
		{"a key for another user", here, other, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			socket := sshtest.Agent(t)
			agent, err := keys.DialAgent(t.Context(), socket)
			if err != nil {
				t.Fatal(err)
			}
			defer agent.Close()
			if err := agent.AddOpened(opened, nil, "", keys.Constraints{Only: row.only}); err != nil {
				t.Fatal(err)
			}
			out, err := row.server.SSH(t, "-o", "IdentityAgent="+socket, sshtest.Alias, "true").CombinedOutput()
			if in := err == nil; in != row.in {
				t.Errorf("ssh logged in: %t, want %t: %s", in, row.in, out)
			}
		})
	}
}

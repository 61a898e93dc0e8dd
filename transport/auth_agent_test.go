//go:build unix

package transport

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// agentHolds are the comments of the agent's keys.
func agentHolds(t *testing.T, socket string) []string {
	t.Helper()
	agent, err := keys.DialAgent(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	held, err := agent.Keys()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, key := range held {
		all = append(all, key.Comment)
	}
	return all
}

func TestAKeyIsAddedToTheAgentAsTheConfigurationSays(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	rows := []struct {
		name    string
		key     string
		secret  string
		block   string
		answers []Answer
		want    []string // what the agent then holds
		asked   []Kind
	}{
		{"not unless it is asked for", "-t ed25519", "", "", nil, nil, nil},
		{"a plain key", "-t ed25519", "", "AddKeysToAgent yes", nil, []string{"jon@wall"}, nil},
		{"an encrypted key", "-t ecdsa", "winter", "AddKeysToAgent yes", []Answer{typed("winter")}, []string{"jon@wall"}, []Kind{AskPassphrase}},
		{"a key in PEM", "-t rsa -b 2048 -m PEM", "", "AddKeysToAgent yes", nil, []string{"DIR/id"}, nil}, // the file holds no comment
		{"with consent", "-t ed25519", "", "AddKeysToAgent ask", []Answer{{Choice: AddKey}}, []string{"jon@wall"}, []Kind{AskAddKey}},
		{"without consent", "-t ed25519", "", "AddKeysToAgent ask", []Answer{{Choice: Refuse}}, nil, []Kind{AskAddKey}},
		{"with nobody to ask", "-t ed25519", "", "AddKeysToAgent ask; BatchMode yes", nil, nil, nil},
		{"with nobody to answer", "-t ed25519", "", "AddKeysToAgent ask", nil, nil, []Kind{AskAddKey}},
		{"for an hour", "-t ed25519", "", "AddKeysToAgent 1h", nil, []string{"jon@wall"}, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			path := generate(t, dir, "id", row.secret, strings.Fields(row.key)...)
			server.Write(t, "authorized_keys", text(t, path+".pub"))
			socket := sshtest.Agent(t)
			p := &person{answers: row.answers}
			block := append(strings.Split(row.block, ";"), "IdentityFile "+path)
			if f := logIn(t, resolve(t, loginBlock(server.Port, me(t), block...)...), Env{"SSH_AUTH_SOCK=" + socket}, p); f != nil {
				t.Fatal(f)
			}
			held := agentHolds(t, socket)
			for i := range held {
				held[i] = strings.Replace(held[i], dir, "DIR", 1)
			}
			if diff := cmp.Diff(row.want, held); diff != "" {
				t.Errorf("the agent's keys (-want +got):\n%s", diff)
			}
			var asked []Kind
			for _, q := range p.asked {
				asked = append(asked, q.Kind)
			}
			if diff := cmp.Diff(row.asked, asked); diff != "" {
				t.Errorf("the questions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddKeysToAgentIsReadAsSSHPrintsIt(t *testing.T) {
	for _, row := range []struct {
		value string
		how   string
		want  keys.Constraints
	}{
		{"no", "no", keys.Constraints{}},
		{"yes", "yes", keys.Constraints{}},
		{"ask", "ask", keys.Constraints{}},
		{"confirm", "yes", keys.Constraints{Confirm: true}},
		{"90m", "yes", keys.Constraints{Lifetime: 5400e9}},
		{"confirm 10", "yes", keys.Constraints{Confirm: true, Lifetime: 10e9}},
	} {
		t.Run(row.value, func(t *testing.T) {
			how, got := addKeys(resolve(t, "AddKeysToAgent "+row.value))
			if how != row.how || !cmp.Equal(got, row.want) {
				t.Errorf("it is read as %q and %+v, want %q and %+v", how, got, row.how, row.want)
			}
		})
	}
}

func TestAKeyThatIsAddedWithConstraintsHasThem(t *testing.T) {
	t.Parallel()
	path := generate(t, t.TempDir(), "id", "", "-t", "ed25519")
	key, err := keys.Load(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	socket := sshtest.Agent(t)
	agent, err := keys.DialAgent(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	if err := agent.Add(key, keys.Constraints{Confirm: true}); err != nil {
		t.Fatal(err)
	}
	held, err := agent.Keys()
	if err != nil || len(held) != 1 {
		t.Fatalf("the agent holds %d keys: %v", len(held), err)
	}
	if _, err := held[0].Signer.Sign(nil, nil); err == nil { // the agent has nobody to ask
		t.Error("it signs without being confirmed")
	}
	if err := agent.Add(key, keys.Constraints{Lifetime: 1e9}); err != nil {
		t.Fatal(err)
	}
	sshtest.Eventually(t, "the key leaves the agent", func() bool { return len(agentHolds(t, socket)) == 0 })
}

func TestAKeyThatTheAgentDoesNotSignWithIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	confirmed, good := generate(t, dir, "confirmed", "", "-t", "ed25519"), generate(t, dir, "good", "", "-t", "ed25519")
	server := sshtest.StartServer(t, "AuthenticationMethods publickey")
	server.Write(t, "authorized_keys", text(t, confirmed+".pub")+text(t, good+".pub"))
	socket := sshtest.Agent(t)
	sshtest.Add(t, socket, "-c", confirmed) // the agent has nobody to ask
	os.Remove(confirmed)
	env := Env{"SSH_AUTH_SOCK=" + socket, "HOME=" + dir}
	p := &person{}
	if f := logIn(t, resolve(t, loginBlock(server.Port, me(t), "IdentityFile "+good)...), env, p); f != nil {
		t.Fatal(f)
	}
	if diff := cmp.Diff([]string{`publickey "jon@wall" of the agent`, "publickey ~/good"}, p.steps); diff != "" {
		t.Errorf("the steps (-want +got):\n%s", diff)
	}
	f := logIn(t, resolve(t, loginBlock(server.Port, me(t), "IdentityFile "+confirmed+".pub", "IdentitiesOnly yes")...), env, p)
	want := &Failure{Code: CodeAuth,
		Message: `the login as "` + me(t) + `" was refused; tried publickey ~/confirmed.pub ED25519 (the agent did not sign: failed to sign challenge); the server accepts publickey`,
		Hint:    "ssh-add -T ~/confirmed.pub",
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("the failure (-want +got):\n%s", diff)
	}
}

func TestALockedAgentIsNoKeyToOffer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := generate(t, dir, "id", "", "-t", "ed25519")
	server := sshtest.StartServer(t, "AuthenticationMethods publickey")
	server.Write(t, "authorized_keys", text(t, path+".pub"))
	socket := sshtest.Agent(t, path)
	sshtest.Lock(t, socket)
	os.Remove(path)
	f := logIn(t, resolve(t, loginBlock(server.Port, me(t), "IdentityFile "+path)...), Env{"SSH_AUTH_SOCK=" + socket, "HOME=" + dir}, &person{})
	want := &Failure{Code: CodeAuth,
		Message: `the login as "` + me(t) + `" was refused; not tried: publickey (no key to offer), ~/id (no such file or directory); the server accepts publickey`,
		Hint: "have the line of ~/id.pub added to .ssh/authorized_keys of " + me(t) + " there; if it is there: " +
			"chmod go-w ~ ~/.ssh ~/.ssh/authorized_keys on the server; if \"" + me(t) + "\" is the wrong account: User is set at CONFIG:5",
	}
	f.Hint = regexp.MustCompile(`\S+/config`).ReplaceAllString(f.Hint, "CONFIG")
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("the failure (-want +got):\n%s", diff)
	}
}

// TestTheKeysAreReadWhileTheServerIsWaitedFor has a server that says nothing
// until the agent has been asked.
func TestTheKeysAreReadWhileTheServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := sshtest.StartServer(t)
	asked := make(chan struct{})
	agent := sshtest.Agent(t, server.Path("id"))
	socket := filepath.Join(filepath.Dir(agent), "asked")
	passOn(t, "unix", socket, "unix", agent, func() { close(asked) })
	port := sshtest.FreePort(t)
	passOn(t, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), "tcp", server.Address(), func() { <-asked })

	cfg := load(t, "Host wall\n"+strings.Join(loginBlock(port, me(t), "IdentityFile none", "ConnectTimeout 20",
		"StrictHostKeyChecking accept-new", "UserKnownHostsFile %D/known"), "\n"))
	links := NewLinks(Options{})
	defer links.Close()
	if _, err := links.Get(plan(t, cfg, "wall"), Env{"SSH_AUTH_SOCK=" + socket}).Conn(soon(t)); err != nil {
		t.Error(err)
	}
}

// passOn joins one connection to another place, after wait.
func passOn(t *testing.T, network, at, toNetwork, to string, wait func()) {
	t.Helper()
	l, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener, or with the two
		near, err := l.Accept()
		if err != nil {
			return
		}
		defer near.Close()
		wait()
		far, err := net.Dial(toNetwork, to)
		if err != nil {
			t.Error(err)
			return
		}
		defer far.Close()
		go io.Copy(far, near)
		io.Copy(near, far)
	}()
}

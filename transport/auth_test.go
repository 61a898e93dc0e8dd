package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
	"sallyport/keys"
)

// loginBlock is the configuration of a login at port that only looks where it
// is told to.
func loginBlock(port int, user string, lines ...string) []string {
	return append(lines,
		"HostName 127.0.0.1", "Port "+strconv.Itoa(port), "User "+user, "IdentityFile none", "IdentityAgent SSH_AUTH_SOCK",
		"StrictHostKeyChecking no", "UserKnownHostsFile /dev/null", "GlobalKnownHostsFile /dev/null", "KexAlgorithms curve25519-sha256")
}

func TestKeysLogInAtARealServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := generate(t, dir, "ca", "", "-t", "ed25519")
	server := sshtest.StartServer(t, "TrustedUserCAKeys "+ca+".pub")

	rows := []struct {
		name    string
		key     string // arguments of ssh-keygen
		secret  string
		prepare func(t *testing.T, path string) // the key exists
		agent   bool                            // holds the key
		block   []string                        // PATH is the key
		answers []Answer
		tries   []int // of the questions for the passphrase
	}{
		{name: "an encrypted ed25519 key, its passphrase wrong at first", key: "-t ed25519", secret: "winter",
			block: []string{"IdentityFile PATH"}, answers: []Answer{typed("summer"), typed("winter")}, tries: []int{1, 2}},
		{name: "an ecdsa-521 key", key: "-t ecdsa -b 521", block: []string{"IdentityFile PATH"}},
		{name: "an rsa-4096 key by SHA-2", key: "-t rsa -b 4096", block: []string{"IdentityFile PATH", "PubkeyAcceptedAlgorithms rsa-sha2-256"}},
		{name: "an encrypted PEM key without its .pub", key: "-t ecdsa -m PEM", secret: "winter", prepare: removePublic,
			block: []string{"IdentityFile PATH"}, answers: []Answer{typed("winter")}, tries: []int{1}},
		{name: "a key that only the agent has", key: "-t ed25519", agent: true, prepare: removeBoth},
		{name: "an rsa key that only the agent has", key: "-t rsa -b 2048", agent: true, prepare: removeBoth},
		{name: "an encrypted key that the agent has asks nothing", key: "-t ed25519", agent: true, block: []string{"IdentityFile PATH"}},
		{name: "a .pub whose key is in the agent", key: "-t ed25519", agent: true, prepare: removePrivate,
			block: []string{"IdentityFile PATH.pub", "IdentitiesOnly yes"}},
		{name: "a certificate beside its key", key: "-t ecdsa", prepare: certify(ca, me(t)), block: []string{"IdentityFile PATH"}},
		{name: "a certificate of an rsa key", key: "-t rsa -b 2048", prepare: certify(ca, me(t)), block: []string{"IdentityFile PATH"}},
		{name: "a certificate elsewhere of a key in the agent", key: "-t ed25519", agent: true, prepare: func(t *testing.T, path string) {
			certify(ca, me(t))(t, path)
			os.Rename(path+"-cert.pub", path+"-elsewhere.pub")
		}, block: []string{"IdentityFile PATH", "CertificateFile PATH-elsewhere.pub", "IdentitiesOnly yes"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			path := generate(t, t.TempDir(), "id", row.secret, strings.Fields(row.key)...)
			public := keyText(publicKey(t, path+".pub"))
			if strings.Contains(row.name, "certificate") {
				public = ""
			}
			server.Write(t, "authorized_keys", public+"\n")
			env := Env{"SSH_AUTH_SOCK="}
			if row.agent {
				env = Env{"SSH_AUTH_SOCK=" + sshtest.Agent(t, path)}
			}
			if row.prepare != nil {
				row.prepare(t, path)
			}
			var block []string
			for _, line := range row.block {
				block = append(block, strings.ReplaceAll(line, "PATH", path))
			}
			p := &person{answers: row.answers}
			if f := logIn(t, resolve(t, loginBlock(server.Port, me(t), block...)...), env, p); f != nil {
				t.Fatalf("%s\nhint: %s", f.Message, f.Hint)
			}
			var tries []int
			for _, q := range p.asked {
				if q.Kind != AskPassphrase || q.File != path || q.FromServer {
					t.Errorf("the question is %+v", q)
				}
				tries = append(tries, q.Try)
			}
			if diff := cmp.Diff(row.tries, tries); diff != "" {
				t.Errorf("the tries (-want +got):\n%s", diff)
			}
		})
	}
}

func removePublic(_ *testing.T, path string)  { os.Remove(path + ".pub") }
func removePrivate(_ *testing.T, path string) { os.Remove(path) }
func removeBoth(t *testing.T, path string)    { removePublic(t, path); removePrivate(t, path) }

func certify(ca, user string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		sshtest.Run(t, "ssh-keygen", "-q", "-s", ca, "-I", user, "-n", user, path+".pub")
	}
}

// recorder is a server that writes down what is tried.
type recorder struct {
	mu    sync.Mutex        // guards all below
	names map[string]string // of keys, by their bytes
	seen  []string
}

func (r *recorder) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, what)
}

// take is what was tried since the last time.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen
	r.seen = nil
	return seen
}

var errNo = errors.New("no")

// config is that of a server that refuses everything, but finds key enough
// for a first factor, after which it wants another key or an answer.
func (r *recorder) config(firstFactor string) *ssh.ServerConfig {
	interactive := func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		r.note("keyboard-interactive")
		_, err := ask("", "", []string{"Code: "}, []bool{true})
		return nil, errors.Join(errNo, err)
	}
	return &ssh.ServerConfig{
		MaxAuthTries: 40,
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			name := r.names[string(key.Marshal())]
			r.note("publickey " + name)
			if name != firstFactor {
				return nil, errNo
			}
			return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
				KeyboardInteractiveCallback: interactive,
				PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
					r.note("publickey " + r.names[string(key.Marshal())] + " as second factor")
					return nil, errNo
				},
			}}
		},
		PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			r.note("password")
			return nil, errNo
		},
		KeyboardInteractiveCallback: interactive,
	}
}

func TestAttemptsAreThoseOfSSHInItsOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := &recorder{names: map[string]string{}}
	for _, name := range []string{"one", "two", "three", "four"} {
		path := generate(t, dir, name, "", "-t", "ed25519")
		r.names[string(publicKey(t, path+".pub").Marshal())] = name
	}
	rsa := generate(t, dir, "rsa", "", "-t", "rsa", "-b", "2048")
	r.names[string(publicKey(t, rsa+".pub").Marshal())] = "rsa"
	ca := generate(t, dir, "ca", "", "-t", "ed25519")
	for _, name := range []string{"two", "four", "rsa"} { // not beside their keys, where they would count in each row
		certify(ca, "jon")(t, filepath.Join(dir, name))
		moved := filepath.Join(dir, "cert-"+name)
		if err := os.Rename(filepath.Join(dir, name+"-cert.pub"), moved); err != nil {
			t.Fatal(err)
		}
		r.names[string(publicKey(t, moved).Marshal())] = "certificate of " + name
	}
	beside := generate(t, dir, "beside", "", "-t", "ecdsa")
	certify(ca, "jon")(t, beside)
	r.names[string(publicKey(t, beside+".pub").Marshal())] = "beside"
	r.names[string(publicKey(t, beside+"-cert.pub").Marshal())] = "certificate of beside"
	env := []string{
		"SSH_AUTH_SOCK=" + sshtest.Agent(t, dir+"/one", dir+"/two", dir+"/three"),
		"SSH_ASKPASS_REQUIRE=force",
		"SSH_ASKPASS=" + sshtest.Script(t, filepath.Join(dir, "askpass"), "echo wrong\n"),
	}

	rows := []struct {
		name   string
		factor string // a key that is a first factor
		block  string // lines separated by semicolons; DIR is where the keys are
	}{
		{"the agent's keys, those of the configuration first, then files", "", "IdentityFile DIR/four; IdentityFile DIR/three; IdentityFile DIR/two"},
		{"only those of the configuration", "", "IdentityFile DIR/four; IdentityFile DIR/three; IdentitiesOnly yes"},
		{"only a .pub of the configuration", "", "IdentityFile DIR/three.pub; IdentitiesOnly yes"},
		{"a certificate beside its key", "", "IdentityFile DIR/beside; IdentityFile DIR/four; IdentitiesOnly yes"},
		{"a certificate beside a key that is in the agent", "", "IdentityFile DIR/beside; IdentityFile DIR/three"},
		{"a CertificateFile before the agent's keys", "", "CertificateFile DIR/cert-two; IdentityFile DIR/four"},
		{"a CertificateFile whose key is a file", "", "CertificateFile DIR/cert-four; IdentityFile DIR/four; IdentityFile DIR/beside; IdentitiesOnly yes"},
		{"two CertificateFiles", "", "CertificateFile DIR/cert-four; CertificateFile DIR/cert-two; IdentityFile DIR/two; IdentityFile DIR/four; IdentitiesOnly yes"},
		{"an IdentityFile that is a certificate of a key in the agent", "", "IdentityFile DIR/cert-two"},
		{"an IdentityFile that is a certificate of another IdentityFile", "", "IdentityFile DIR/cert-four; IdentityFile DIR/four; IdentityAgent none"},
		{"a certificate of a type that is not wanted", "", "CertificateFile DIR/cert-rsa; IdentityFile DIR/rsa; IdentitiesOnly yes; PubkeyAcceptedAlgorithms rsa-sha2-512; PasswordAuthentication no; KbdInteractiveAuthentication no"},
		{"no agent", "", "IdentityFile DIR/four; IdentityAgent none"},
		{"files that are not there", "", "IdentityFile DIR/none; IdentityFile DIR/four; IdentityAgent none"},
		{"no keys", "", "PubkeyAuthentication no"},
		{"no passwords", "", "PasswordAuthentication no; PubkeyAuthentication no"},
		{"no interaction", "", "KbdInteractiveAuthentication no; PubkeyAuthentication no"},
		{"passwords first", "", "PreferredAuthentications password,publickey; IdentitiesOnly yes; IdentityFile DIR/four"},
		{"one try for each", "", "NumberOfPasswordPrompts 1; PubkeyAuthentication no"},
		{"nobody to ask", "", "BatchMode yes; IdentityFile DIR/four; IdentitiesOnly yes"},
		{"a key as the first of two factors", "three", "IdentityFile DIR/four"},
		{"a key as the first of two factors, and nobody to ask", "one", "BatchMode yes"},
		{"a file as the first of two factors", "four", "IdentityFile DIR/four; NumberOfPasswordPrompts 2"},
		{"no method that the server has", "", "PreferredAuthentications hostbased"},
		{"a type that is not wanted", "", "IdentityFile DIR/rsa; IdentityFile DIR/four; PubkeyAcceptedAlgorithms rsa-sha2-512; PasswordAuthentication no; KbdInteractiveAuthentication no"},
		{"keys shorter than wanted", "", "IdentityFile DIR/rsa; RequiredRSASize 3072; IdentitiesOnly yes; PasswordAuthentication no; KbdInteractiveAuthentication no"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			port := startServer(t, func() *ssh.ServerConfig { return r.config(row.factor) })
			block := loginBlock(port, "jon", strings.Split(strings.ReplaceAll(row.block, "DIR", dir), ";")...)
			said := realSSH(t, env, block...)
			want := r.take()
			if len(want) == 0 && !strings.Contains(said, "Permission denied") {
				t.Fatalf("ssh did not come as far: %s", said)
			}

			wrong := make([]Answer, 10)
			for i := range wrong {
				wrong[i] = typed("wrong")
			}
			f := logIn(t, resolve(t, block...), Env(env), &person{answers: wrong})
			if f == nil || f.Code != CodeAuth {
				t.Errorf("the failure is %+v", f)
			}
			if diff := cmp.Diff(want, r.take()); diff != "" {
				t.Errorf("ssh tries (-), we (+):\n%s\nssh said: %s", diff, said)
			}
		})
	}
}

// castle is a server that knows one password, one key, and asks as rounds
// say.
type castle struct {
	password string
	key      ssh.PublicKey
	rounds   []round
	then     bool // the key is only the first factor, the rounds are the second
}

// round is one request of keyboard-interactive and what it wants to hear.
type round struct {
	name, instruction string
	prompts           []string
	echos             []bool
	want              []string
}

func (c castle) config() *ssh.ServerConfig {
	s := &ssh.ServerConfig{MaxAuthTries: 20}
	if c.password != "" {
		s.PasswordCallback = func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != c.password {
				return nil, errNo
			}
			return nil, nil
		}
	}
	if c.key != nil {
		s.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !keys.Equal(key, c.key) {
				return nil, errNo
			}
			if c.then {
				return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{KeyboardInteractiveCallback: c.askAll}}
			}
			return nil, nil
		}
	}
	if len(c.rounds) > 0 && !c.then {
		s.KeyboardInteractiveCallback = c.askAll
	}
	return s
}

func (c castle) askAll(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	for _, r := range c.rounds {
		answers, err := ask(r.name, r.instruction, r.prompts, r.echos)
		if err != nil {
			return nil, err
		}
		if fmt.Sprint(answers) != fmt.Sprint(r.want) {
			return nil, errNo
		}
	}
	return nil, nil
}

func TestQuestionsAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := publicKey(t, generate(t, dir, "id", "", "-t", "ed25519")+".pub")
	password := func(try int, title string) Question {
		return Question{Kind: AskPassword, Title: title, Prompts: []Prompt{{Text: "Password"}}, Try: try, MayKeep: true}
	}
	const asks, refused = "jon@wall asks for a password.", "jon@wall did not accept that password."
	first := round{"", "", []string{"Password: "}, []bool{false}, []string{"ghost"}}
	code := round{"Second factor", "", []string{"Code: "}, []bool{true}, []string{"123456"}}
	firstQuestion := Question{Kind: AskInteractive, FromServer: true, Title: "jon@wall asks:", Prompts: []Prompt{{Text: "Password:"}}, Try: 1, MayKeep: true}
	codeQuestion := Question{Kind: AskInteractive, FromServer: true, Instruction: "Second factor", Prompts: []Prompt{{Text: "Code:", Echo: true}}, Try: 1}
	again := func(q Question, try int) Question { q.Try = try; return q }

	rows := []struct {
		name    string
		server  castle
		block   string
		answers []Answer
		want    []Question
		code    string // of the failure, "" for none
	}{
		{"a password", castle{password: "ghost"}, "", []Answer{typed("ghost")}, []Question{password(1, asks)}, ""},
		{"a password that is wrong twice", castle{password: "ghost"}, "", []Answer{typed("a"), typed("b"), typed("ghost")},
			[]Question{password(1, asks), password(2, refused), password(3, refused)}, ""},
		{"a password that is wrong too often", castle{password: "ghost"}, "NumberOfPasswordPrompts 2", []Answer{typed("a"), typed("b")},
			[]Question{password(1, asks), password(2, refused)}, CodeAuth},
		{"a password that is not given", castle{password: "ghost"}, "", nil, []Question{password(1, asks)}, CodeCancelled},
		{"an empty password", castle{password: "ghost"}, "NumberOfPasswordPrompts 1", []Answer{typed("")}, []Question{password(1, asks)}, CodeAuth},
		{"two rounds", castle{rounds: []round{first, code}}, "", []Answer{typed("ghost"), typed("123456")}, []Question{firstQuestion, codeQuestion}, ""},
		{"two rounds, the second wrong at first", castle{rounds: []round{first, code}}, "", []Answer{typed("ghost"), typed("0"), typed("ghost"), typed("123456")},
			[]Question{firstQuestion, codeQuestion, again(firstQuestion, 2), again(codeQuestion, 2)}, ""},
		{"several prompts in one form", castle{rounds: []round{{"Both", "Have your token ready.", []string{"Password: ", "Code: "}, []bool{false, true}, []string{"ghost", "1"}}}}, "",
			[]Answer{typed("ghost", "1")}, []Question{{Kind: AskInteractive, FromServer: true, Instruction: "Both\nHave your token ready.",
				Prompts: []Prompt{{Text: "Password:"}, {Text: "Code:", Echo: true}}, Try: 1}}, ""},
		{"a round without prompts is shown with the next question", castle{rounds: []round{{"", "A push was sent.", nil, nil, nil}, code}}, "",
			[]Answer{typed("123456")}, []Question{{Kind: AskInteractive, FromServer: true, Instruction: "A push was sent.\nSecond factor",
				Prompts: []Prompt{{Text: "Code:", Echo: true}}, Try: 1}}, ""},
		{"a menu before the prompt", castle{rounds: []round{{"", "", []string{"Duo login for jon\r\n\r\n 1. Push\n 2. Phone\n\nPasscode or option (1-2): "}, []bool{true}, []string{"1"}}}}, "",
			[]Answer{typed("1")}, []Question{{Kind: AskInteractive, FromServer: true, Instruction: "Duo login for jon\n\n 1. Push\n 2. Phone",
				Prompts: []Prompt{{Text: "Passcode or option (1-2):", Echo: true}}, Try: 1}}, ""},
		{"a key, then rounds", castle{key: key, then: true, rounds: []round{first, code}}, "IdentityFile " + dir + "/id", []Answer{typed("ghost"), typed("123456")},
			[]Question{firstQuestion, codeQuestion}, ""},
		{"a key, then nobody to ask", castle{key: key, then: true, rounds: []round{first}}, "BatchMode yes; IdentityFile " + dir + "/id", nil, nil, CodeAuth},
		{"a password after rounds that were given up on", castle{password: "ghost", rounds: []round{first}}, "NumberOfPasswordPrompts 1",
			[]Answer{typed("x"), typed("ghost")}, []Question{firstQuestion, password(1, asks)}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			port := startServer(t, row.server.config)
			p := &person{answers: row.answers}
			f := logIn(t, resolve(t, loginBlock(port, "jon", strings.Split(row.block, ";")...)...), nil, p)
			if got := verdict(f); got != row.code && !(got == "ok" && row.code == "") {
				t.Errorf("the login ends with %q, want %q: %v", got, row.code, f)
			}
			if diff := cmp.Diff(row.want, p.asked); diff != "" {
				t.Errorf("the questions (-want +got):\n%s", diff)
			}
			for i, a := range p.answers[:min(len(p.asked), len(p.answers))] {
				for _, text := range a.Texts {
					if strings.Trim(string(text), "\x00") != "" {
						t.Errorf("answer %d is still in memory: %q", i+1, text)
					}
				}
			}
		})
	}
}

func TestWordsOfTheServerAreMadePrintable(t *testing.T) {
	const evil = "\x1b]52;c;aGk=\x07\u202e[red]\x9b2J"
	port := startServer(t, castle{rounds: []round{
		{evil, evil, nil, nil, nil},
		{evil, "a\n" + evil, []string{evil + "\n" + evil}, []bool{true}, []string{"x"}},
	}}.config)
	p := &person{answers: []Answer{typed("x")}}
	if f := logIn(t, resolve(t, loginBlock(port, "jon")...), nil, p); f != nil {
		t.Fatal(f)
	}
	q := p.asked[0]
	shown := strings.Join(append(p.steps, q.Title, q.Instruction, q.Prompts[0].Text), "\n")
	if strings.ContainsAny(shown, "\x1b\x07\u202e\u009b") || strings.Contains(shown, "\x9b2J") {
		t.Errorf("the question shows %q", shown)
	}
	if !strings.Contains(q.Instruction, "[red]") || !strings.Contains(q.Instruction, "a\n") {
		t.Errorf("the question has lost its words: %+v", q)
	}
}

func TestARefusedLoginSaysWhatWasTriedAndWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := generate(t, dir, "id", "", "-t", "ed25519")
	open := generate(t, dir, "open", "", "-t", "ed25519")
	locked := generate(t, dir, "locked", "winter", "-t", "ed25519")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	own := generate(t, dir, "own", "", "-t", "ed25519") + ".pub" // its private half is elsewhere
	if err := errors.Join(os.Chmod(own, 0o600), os.Remove(strings.TrimSuffix(own, ".pub"))); err != nil {
		t.Fatal(err)
	}
	other := sshtest.NewKey(t).PublicKey()
	rows := []struct {
		name    string
		server  castle
		block   string // DIR is where the keys are, "~" the home
		answers []Answer
		message string
		hint    string
	}{
		{"a key that is not known there, and passwords that are wrong", castle{key: other, password: "x"}, "IdentityFile DIR/id; NumberOfPasswordPrompts 2", []Answer{typed("a"), typed("b")},
			`the login as "jon" was refused; tried publickey ~/id ED25519 (not accepted), password (refused 2 times); the server accepts password, publickey`,
			`if "jon" is the wrong account: User is set at CONFIG:6; if both are right, AllowUsers of the server or an expired account keeps it out: ask its administrator`},
		{"a key that is not known there, and no other way", castle{key: other}, "IdentityFile DIR/id", nil,
			`the login as "jon" was refused; tried publickey ~/id ED25519 (not accepted); the server accepts publickey`,
			`have the line of ~/id.pub added to .ssh/authorized_keys of jon there; if it is there: chmod go-w ~ ~/.ssh ~/.ssh/authorized_keys on the server; if "jon" is the wrong account: User is set at CONFIG:5`},
		{"no key", castle{key: other}, "", nil,
			`the login as "jon" was refused; not tried: publickey (no key to offer); the server accepts publickey`,
			"ssh-keygen -t ed25519"},
		{"a key that others can read", castle{key: publicKey(t, open+".pub")}, "IdentityFile DIR/open", nil,
			`the login as "jon" was refused; tried publickey ~/open ED25519 (Permissions 0644 for 'DIR/open' are too open); the server accepts publickey`,
			"chmod 600 ~/open"},
		{"a key that others can read and that is not known there", castle{key: other}, "IdentityFile DIR/open", nil,
			`the login as "jon" was refused; tried publickey ~/open ED25519 (not accepted, and Permissions 0644 for 'DIR/open' are too open); the server accepts publickey`,
			"chmod 600 ~/open"},
		{"the public half of a key", castle{key: publicKey(t, path+".pub")}, "IdentityFile DIR/id.pub", nil,
			`the login as "jon" was refused; tried publickey ~/id.pub ED25519 (the file is the public half of the key, and no agent has the private one); the server accepts publickey`,
			"name the private half, ~/id: IdentityFile is set at CONFIG:2"},
		{"the public half of a key that only its owner can read", castle{key: publicKey(t, own)}, "IdentityFile DIR/own.pub", nil,
			`the login as "jon" was refused; tried publickey ~/own.pub ED25519 (the file is the public half of the key, and no agent has the private one); the server accepts publickey`,
			"name the private half of ~/own.pub, or give it to the agent: ssh-add FILE"},
		{"the public half of a key that is not known there", castle{key: other}, "IdentityFile DIR/id.pub", nil,
			`the login as "jon" was refused; tried publickey ~/id.pub ED25519 (not accepted); the server accepts publickey`,
			`have the line of ~/id.pub added to .ssh/authorized_keys of jon there; if it is there: chmod go-w ~ ~/.ssh ~/.ssh/authorized_keys on the server; if "jon" is the wrong account: User is set at CONFIG:5`},
		{"a key that stays locked", castle{key: publicKey(t, locked+".pub")}, "IdentityFile DIR/locked", []Answer{typed("a"), typed("b"), typed("c")},
			`the login as "jon" was refused; tried publickey ~/locked ED25519 (the passphrase was wrong); the server accepts publickey`,
			"ssh-add ~/locked"},
		{"a key whose passphrase is left out", castle{key: publicKey(t, locked+".pub")}, "IdentityFile DIR/locked", []Answer{typed("")},
			`the login as "jon" was refused; tried publickey ~/locked ED25519 (no passphrase was given); the server accepts publickey`,
			"ssh-add ~/locked"},
		{"a missing file", castle{key: other}, "IdentityFile DIR/none", nil,
			`the login as "jon" was refused; not tried: publickey (no key to offer), ~/none (no such file or directory); the server accepts publickey`,
			"IdentityFile is set at CONFIG:2"},
		{"an agent that is not there", castle{key: other}, "IdentityAgent DIR/agent", nil,
			`the login as "jon" was refused; not tried: publickey (no key to offer), agent (connecting to the agent at "DIR/agent": dial unix DIR/agent: connect: no such file or directory); the server accepts publickey`,
			"IdentityAgent is set at CONFIG:2"},
		{"passwords switched off", castle{password: "x"}, "PasswordAuthentication no", nil,
			`the login as "jon" was refused; not tried: password (PasswordAuthentication is no); the server accepts password`,
			"PasswordAuthentication is set at CONFIG:2"},
		{"nobody to ask", castle{password: "x"}, "BatchMode yes", nil,
			`the login as "jon" was refused; not tried: password (BatchMode forbids asking); the server accepts password`,
			"BatchMode is set at CONFIG:2"},
		{"a first factor that was not enough", castle{key: publicKey(t, path+".pub"), then: true, rounds: []round{{"", "", []string{"Code: "}, []bool{true}, []string{"1"}}}},
			"IdentityFile DIR/id; NumberOfPasswordPrompts 1", []Answer{typed("2")},
			`the login as "jon" was refused; tried publickey ~/id ED25519 (accepted, but not enough), keyboard-interactive (refused); the server accepts keyboard-interactive`,
			`the account "jon" is right, only what was typed is not`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			port := startServer(t, row.server.config)
			block := loginBlock(port, "jon", strings.Split(strings.ReplaceAll(row.block, "DIR", dir), ";")...)
			h := resolve(t, block...)
			origin, _ := h.IsSet("HostName")
			texts := strings.NewReplacer("DIR", dir, "CONFIG", origin.File)
			got := logIn(t, h, Env{"HOME=" + dir}, &person{answers: row.answers})
			want := &Failure{Code: CodeAuth, Message: texts.Replace(row.message), Hint: texts.Replace(row.hint)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the failure (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTooManyKeysAreToldFromWrongOnes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var held []string
	for i := range 4 {
		held = append(held, generate(t, dir, fmt.Sprint("key", i), "", "-t", "ed25519"))
	}
	server := sshtest.StartServer(t, "MaxAuthTries 3")
	env := Env{"SSH_AUTH_SOCK=" + sshtest.Agent(t, held...)}
	f := logIn(t, resolve(t, loginBlock(server.Port, me(t), "IdentityFile "+dir+"/key3")...), env, &person{})
	if f == nil || f.Code != CodeAuth || !strings.Contains(f.Message, `and the server ended the connection: "Too many authentication failures"`) {
		t.Errorf("the failure is %+v", f)
	} else if want := "too many keys were offered: ssh -o IdentitiesOnly=yes -i " + dir + "/key3 wall"; f.Hint != want {
		t.Errorf("the hint is %q, want %q", f.Hint, want)
	}
}

func TestAKeyThatCannotSignIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other := generate(t, dir, "id", "", "-t", "ed25519"), generate(t, dir, "other", "", "-t", "ed25519")
	bad := publicKey(t, other+".pub")
	write(t, path+".pub", keyText(bad)+"\n") // its private half is another key's
	good := publicKey(t, generate(t, dir, "good", "", "-t", "ed25519")+".pub")
	port := startServer(t, func() *ssh.ServerConfig {
		return &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if keys.Equal(key, bad) || keys.Equal(key, good) {
				return nil, nil
			}
			return nil, errNo
		}}
	})
	h := resolve(t, loginBlock(port, "jon", "IdentityFile "+path, "IdentityFile "+dir+"/good")...)
	p := &person{}
	if f := logIn(t, h, Env{"HOME=" + dir}, p); f != nil {
		t.Error(f)
	}
	if diff := cmp.Diff([]string{"publickey ~/id", "publickey ~/good"}, p.steps); diff != "" {
		t.Errorf("the steps (-want +got):\n%s", diff)
	}
}

func TestWhereThereIsNobodyToAskTheLoginGoesOnWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	locked, open := generate(t, dir, "locked", "winter", "-t", "ed25519"), generate(t, dir, "open", "", "-t", "ed25519")
	typed := 0 // passwords and answers that the server got
	port := startServer(t, func() *ssh.ServerConfig {
		return &ssh.ServerConfig{
			PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
				if keys.Equal(key, publicKey(t, locked+".pub")) || keys.Equal(key, publicKey(t, open+".pub")) {
					return nil, nil
				}
				return nil, errNo
			},
			PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { typed++; return nil, errNo },
			KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				if _, err := ask("", "", []string{"Code: "}, []bool{true}); err == nil {
					typed++
				}
				return nil, errNo
			},
		}
	})
	for _, row := range []struct {
		name, block, message string
		asked                []Kind
	}{
		{"a locked key, and one that is not", "IdentityFile DIR/locked; IdentityFile DIR/open", "", []Kind{AskPassphrase}},
		{"no other key", "IdentityFile DIR/locked", `the login as "jon" was refused; tried publickey ~/locked ED25519 (there is nobody to ask), ` +
			`keyboard-interactive (there is nobody to ask), password (there is nobody to ask); the server accepts password, publickey, keyboard-interactive`,
			[]Kind{AskPassphrase, AskInteractive, AskPassword}},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, message := &person{absent: true}, ""
			block := loginBlock(port, "jon", strings.Split(strings.ReplaceAll(row.block, "DIR", dir), ";")...)
			if f := logIn(t, resolve(t, block...), Env{"HOME=" + dir}, p); f != nil {
				message = f.Message
			}
			var asked []Kind
			for _, q := range p.asked {
				asked = append(asked, q.Kind)
			}
			if diff := cmp.Diff(row.message, message) + cmp.Diff(row.asked, asked); diff != "" {
				t.Errorf("the failure and the questions (-want +got):\n%s", diff)
			}
		})
	}
	if typed > 0 {
		t.Errorf("the server got %d answers that nobody has given", typed)
	}
}

func TestTheEndOfTheConnectionEndsTheLogin(t *testing.T) {
	gone := errors.New("the connection is gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	h := resolve(t, loginBlock(22, "jon")...)
	a := newAuth(ctx, h, nil, (&person{answers: []Answer{typed("x"), typed("x")}}).ask, func(string) {})
	defer a.close()
	state := &ssh.ClientAuthContext{AllowedMethods: []string{"password"}, TriedMethods: []string{"none"}}
	if method, err := a.next(state); method == nil || err != nil {
		t.Fatalf("the first attempt is %v, %v", method, err)
	}
	cancel(gone)
	if method, err := a.next(state); method != nil || !errors.Is(err, gone) {
		t.Errorf("after the end: %v, %v", method, err)
	}
	if f := a.explain(gone); f != nil {
		t.Errorf("that is explained as %v", f)
	}
}

func TestTheAgentIsTheOneOfTheConfigurationOrOfTheCaller(t *testing.T) {
	env := Env{"SSH_AUTH_SOCK=/caller", "OTHER=/other"}
	for _, row := range []struct{ name, line, want string }{
		{"not configured", "Port 22", "/caller"},
		{"none", "IdentityAgent none", ""},
		{"named as the caller's", "IdentityAgent SSH_AUTH_SOCK", "/caller"},
		{"a variable of the caller", "IdentityAgent $OTHER", "/other"},
		{"a variable that is not set", "IdentityAgent $MISSING", ""},
		{"a path", "IdentityAgent /run/agent", "/run/agent"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := agentSocket(resolve(t, row.line), env); got != row.want {
				t.Errorf("the socket is %q, want %q", got, row.want)
			}
		})
	}
}

func TestASignerSaysWhichAlgorithmsItMayUse(t *testing.T) {
	rsa := publicKey(t, generate(t, t.TempDir(), "rsa", "", "-t", "rsa", "-b", "2048")+".pub")
	cert := &ssh.Certificate{Key: rsa, CertType: ssh.UserCert}
	if err := cert.SignCert(rand.Reader, sshtest.NewKey(t)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, accepted string
		key            ssh.PublicKey
		want           []string
	}{
		{"RSA in the order of the configuration", "rsa-sha2-256,ssh-ed25519,rsa-sha2-512", rsa, []string{"rsa-sha2-256", "rsa-sha2-512"}},
		{"RSA never by SHA-1 unless it is asked for", "+ssh-ed25519", rsa, []string{"rsa-sha2-512", "rsa-sha2-256"}},
		{"RSA by SHA-1 where it is asked for", "ssh-rsa", rsa, []string{"ssh-rsa"}},
		{"a certificate by its own names", "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256", cert, []string{"rsa-sha2-512"}},
		{"nothing", "ssh-ed25519", rsa, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := newAuth(t.Context(), resolve(t, "PubkeyAcceptedAlgorithms "+row.accepted), nil, nil, nil)
			got, err := a.algorithms(row.key)
			if diff := cmp.Diff(row.want, got); diff != "" || (err == nil) == (len(row.want) == 0) {
				t.Errorf("the algorithms (-want +got), and %v:\n%s", err, diff)
			}
		})
	}
}

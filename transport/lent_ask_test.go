package transport

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

func TestQuestionsOfSSHAreShownAsOurs(t *testing.T) {
	const unknown = "The authenticity of host '[127.0.0.1]:2222 ([127.0.0.1]:2222)' can't be established.\n" +
		"ED25519 key fingerprint is SHA256:abc+/def.\n" +
		"This key is not known by any other names.\n" +
		"Are you sure you want to continue connecting (yes/no/[fingerprint])? "
	for _, test := range []struct {
		name, hint, prompt string
		want               Question
	}{
		{"a password", "", "jon@wall's password: ", Question{Kind: AskPassword, Title: "ssh asks.", Prompts: []Prompt{{Text: "jon@wall's password: "}}}},
		{"a passphrase", "", "Enter passphrase for key '/home/jon/.ssh/id': ",
			Question{Kind: AskPassphrase, Title: "ssh asks.", File: "/home/jon/.ssh/id", Prompts: []Prompt{{Text: "Enter passphrase for key '/home/jon/.ssh/id': "}}}},
		{"the server's own words", "", "(jon@wall) Code\x1b[2J\nOne-time code: ",
			Question{Kind: AskInteractive, Title: "ssh asks.", FromServer: true, Instruction: `(jon@wall) Code\x1b[2J`, Prompts: []Prompt{{Text: "One-time code: "}}}},
		{"a server's words that look like ssh's", "", "(jon@wall) jon@bastion's password: ",
			Question{Kind: AskInteractive, Title: "ssh asks.", FromServer: true, Prompts: []Prompt{{Text: "(jon@wall) jon@bastion's password: "}}}},
		{"a confirmation", "confirm", "Allow use of key?", Question{Kind: AskInteractive, Title: "ssh asks.", FromServer: true, Prompts: []Prompt{{Text: "Allow use of key?", Echo: true}}}},
		{"a new password", "", "Retype jon@wall's new password: ", Question{Kind: AskInteractive, Title: "The password has expired: the server wants a new one.",
			Prompts: []Prompt{{Text: "Retype jon@wall's new password: "}}}},
		{"new host keys", "", "Accept updated hostkeys? (yes/no): ",
			Question{Kind: AskInteractive, Title: "ssh asks.", FromServer: true, Prompts: []Prompt{{Text: "Accept updated hostkeys? (yes/no): ", Echo: true}}}},
		{"an unknown host key", "", unknown, Question{
			Kind:    AskHostKey,
			Title:   "The authenticity of host '[127.0.0.1]:2222 ([127.0.0.1]:2222)' can't be established.",
			HostKey: &HostKey{Type: "ED25519", Fingerprint: "SHA256:abc+/def", Note: "ED25519 key fingerprint is SHA256:abc+/def.\nThis key is not known by any other names."},
			Choices: []string{AcceptAndRemember, Refuse},
		}},
		{"nothing", "", "", Question{Kind: AskInteractive, Title: "ssh asks.", FromServer: true, Prompts: []Prompt{{}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, inquiry{test.hint, test.prompt}.question()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzQuestionsOfSSH(f *testing.F) {
	for _, prompt := range []string{"", "\n", "jon@wall's password: ", "\x1b]0;x\x07 key fingerprint is \x9b.\n(yes/no", "Enter passphrase for key '\r': "} {
		f.Add("", prompt)
	}
	f.Fuzz(func(t *testing.T, hint, prompt string) {
		q := inquiry{hint, prompt}.question()
		texts := []string{q.Title, q.File}
		for _, p := range q.Prompts {
			texts = append(texts, p.Text)
		}
		if q.HostKey != nil {
			texts = append(texts, q.HostKey.Type, q.HostKey.Fingerprint)
			texts = append(texts, strings.Split(q.HostKey.Note, "\n")...)
		}
		for _, text := range append(texts, strings.Split(q.Instruction, "\n")...) {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 }) {
				t.Errorf("%q is not harmless", text)
			}
		}
		if (q.Kind == AskHostKey) != (len(q.Prompts) == 0) {
			t.Errorf("it cannot be answered: %+v", q)
		}
	})
}

// passwordServer lets everybody in whose second password is "valar".
func passwordServer(t *testing.T) (port int, tried func() []string) {
	t.Helper()
	var mu sync.Mutex // guards all
	var all []string
	port = startServer(t, func() *ssh.ServerConfig {
		return &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, string(password)); string(password) != "valar" {
				return nil, errors.New("no")
			}
			return nil, nil
		}}
	})
	return port, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func TestTheQuestionsOfALentLinkReachAPerson(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	for _, test := range []struct {
		name    string
		answers []Answer
		code    string
		tried   []string
		asked   []Kind
	}{
		{
			name:    "a new host key, a wrong password, the right one",
			answers: []Answer{{Choice: AcceptAndRemember}, typed("wrong"), typed("valar")},
			code:    "<nil>",
			tried:   []string{"wrong", "valar"},
			asked:   []Kind{AskHostKey, AskPassword, AskPassword},
		},
		{
			name:    "a host key that is refused",
			answers: []Answer{{Choice: Refuse}},
			code:    "hostkey-unknown",
			asked:   []Kind{AskHostKey},
		},
		{
			name:    "a password that is not given",
			answers: []Answer{{Choice: AcceptAndRemember}},
			code:    CodeCancelled,
			asked:   []Kind{AskHostKey, AskPassword},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			port, tried := passwordServer(t)
			cfg := load(t, "Host h\n\tHostName 127.0.0.1\n\tPort "+strconv.Itoa(port)+"\n\tUserKnownHostsFile %D/known\n\tGlobalKnownHostsFile none\n"+
				"\tStrictHostKeyChecking ask\n\tPubkeyAuthentication no\n\tIdentityAgent none\n\tRekeyLimit default 1h\n")
			somebody := person{answers: test.answers}
			o := newWatch().options()
			o.Asker = askerFunc(somebody.ask)
			links := NewLinks(o)
			defer links.Close()
			_, err := links.Get(plan(t, cfg, "h"), Env{"PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"}).Conn(soon(t))
			if got := code(err); got != test.code {
				t.Errorf("Conn: %q, %v, want %q", got, err, test.code)
			}
			if diff := cmp.Diff(test.tried, tried()); diff != "" {
				t.Errorf("passwords: %s", diff)
			}
			var kinds []Kind
			for i, q := range somebody.asked {
				kinds = append(kinds, q.Kind)
				if q.Host != "h" || q.Goal != "h" || q.Hop != 1 || q.Link == "" {
					t.Errorf("question %d says it is of %+v", i, q)
				}
			}
			if diff := cmp.Diff(test.asked, kinds); diff != "" {
				t.Errorf("questions: %s", diff)
			}
		})
	}
}

// TestAPasswordThatHasExpiredIsChangedBySSH types the old password once for us,
// and no more: ssh asks for all that it needs.
func TestAPasswordThatHasExpiredIsChangedBySSH(t *testing.T) {
	t.Parallel()
	sshtest.Program(t, "ssh")
	cfg := load(t, "Host wall\n\t"+strings.Join(loginBlock(sshtest.Expired(t), "jon", "UserKnownHostsFile %D/known",
		"StrictHostKeyChecking accept-new", "KbdInteractiveAuthentication no", "PubkeyAuthentication no"), "\n\t")+"\n")
	somebody := person{answers: []Answer{typed("ghost"), typed("ghost"), typed("ghost"), typed("nymeria"), typed("nymeria")}}
	o := newWatch().options()
	o.Asker = askerFunc(somebody.ask)
	links := NewLinks(o)
	defer links.Close()
	l := links.Get(plan(t, cfg, "wall"), Env{"PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"})
	_, err := l.Conn(soon(t))
	if s := l.Status(); err != nil || s.Kind != Lent || s.Why != "via ssh: a password that has expired" {
		t.Errorf("Conn: %v, %s %q", err, s.Kind, s.Why)
	}
	var asked []string
	for _, q := range somebody.asked {
		asked = append(asked, q.Prompts[0].Text)
	}
	want := []string{"Password", "jon@127.0.0.1's password: ", "Enter jon@127.0.0.1's old password: ", "Enter jon@127.0.0.1's new password: ", "Retype jon@127.0.0.1's new password: "}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
}

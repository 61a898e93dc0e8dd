//go:build unix

package transport

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"sallyport/internal/sshtest"
)

// clock is a time in a message.
var clock = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`)

func TestAMethodThatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	realm := sshtest.StartRealm(t)
	hostbased := sshtest.StartServer(t, "HostbasedAuthentication yes", "AuthenticationMethods hostbased")
	kerberos := sshtest.NewServer(t, "GSSAPIAuthentication yes", "GSSAPIStrictAcceptorCheck no", "AuthenticationMethods gssapi-with-mic")
	kerberos.Env = realm.Env
	kerberos.Run(t)
	const on = "GSSAPIAuthentication yes"
	cache := func(value string) func(*testing.T) Env {
		return func(*testing.T) Env { return append(Env(realm.Env), "KRB5CCNAME="+value) }
	}
	ticket := func(user, life string) func(*testing.T) Env {
		return func(t *testing.T) Env {
			realm.LogIn(t, user, life)
			if life == "1s" {
				sshtest.Eventually(t, "the ticket expires", realm.Expired)
			}
			return realm.Env
		}
	}
	cut := t.TempDir() + "/cut"
	rows := []struct {
		name    string
		server  *sshtest.Server
		block   string
		env     func(*testing.T) Env
		message string // after the first words; ... is a time
		hint    string
	}{
		{"hostbased", hostbased, "", nil,
			"not tried: hostbased (HostbasedAuthentication is no); the server accepts hostbased", ""},
		{"hostbased, which the configuration wants", hostbased, "HostbasedAuthentication yes", nil,
			"not tried: hostbased (only ssh itself can use this machine's host key); the server accepts hostbased", "ssh wall"},
		{"Kerberos that is not switched on", kerberos, "GSSAPIAuthentication no", nil,
			"not tried: gssapi-with-mic (GSSAPIAuthentication is no); the server accepts gssapi-with-mic", "GSSAPIAuthentication is set at CONFIG:2"},
		{"Kerberos that nobody has switched on", kerberos, "", nil,
			"not tried: gssapi-with-mic (GSSAPIAuthentication is no); the server accepts gssapi-with-mic", "ssh -o GSSAPIAuthentication=yes wall"},
		{"no ticket", kerberos, on, cache("FILE:" + cut + ".none"),
			"not tried: gssapi-with-mic (there is no Kerberos ticket); the server accepts gssapi-with-mic", "kinit"},
		{"tickets in a daemon", kerberos, on, cache("KCM:0"),
			"not tried: gssapi-with-mic (the Kerberos tickets are in KCM, and only files can be read here); the server accepts gssapi-with-mic",
			fmt.Sprintf("export KRB5CCNAME=FILE:/tmp/krb5cc_%d && kinit", os.Getuid())},
		{"an empty cache", kerberos, on, func(t *testing.T) Env {
			write(t, cut, "")
			return append(Env(realm.Env), "KRB5CCNAME="+cut)
		}, `not tried: gssapi-with-mic (reading the Kerberos tickets of "` + cut + `": it is malformed); the server accepts gssapi-with-mic`, "kinit"},
		{"a ticket that has expired", kerberos, on, ticket("samwell", "1s"),
			"not tried: gssapi-with-mic (the Kerberos ticket expired at ...); the server accepts gssapi-with-mic", "kinit"},
		{"the ticket of somebody else", kerberos, on, ticket("gilly", "1h"),
			"tried gssapi-with-mic gilly@WALL.EXAMPLE (refused); the server accepts gssapi-with-mic", ""},
		{"a host that the realm does not know", kerberos, on + "; HostName localhost", ticket("edd", "1h"),
			"not tried: gssapi-with-mic (the Kerberos server gives no ticket for host/localhost: (7) KDC_ERR_S_PRINCIPAL_UNKNOWN Server not found in Kerberos database - LOOKING_UP_SERVER); the server accepts gssapi-with-mic", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var env Env
			if row.env != nil {
				env = row.env(t)
			}
			h := resolve(t, loginBlock(row.server.Port, me(t), strings.Split(row.block, ";")...)...)
			f := logIn(t, h, env, &person{})
			if f == nil {
				t.Fatal("the login succeeded")
			}
			origin, _ := h.IsSet("User")
			want := []string{`the login as "` + me(t) + `" was refused; ` + row.message, strings.ReplaceAll(row.hint, "CONFIG", origin.File)}
			if diff := cmp.Diff(want, []string{clock.ReplaceAllString(f.Message, "..."), f.Hint}); diff != "" {
				t.Errorf("the failure (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPasswordThatHasExpiredSaysSo(t *testing.T) {
	t.Parallel()
	h := resolve(t, loginBlock(sshtest.Expired(t), "jon", "NumberOfPasswordPrompts 1", "KbdInteractiveAuthentication no")...)
	f := logIn(t, h, nil, &person{answers: []Answer{typed("ghost")}})
	if f == nil {
		t.Fatal("the login succeeded")
	}
	const want = `the login as "jon" was refused: the password has expired and the server wants a new one, which can't be given here; tried password (refused); `
	if !strings.HasPrefix(f.Message, want) || f.Code != CodeAuth {
		t.Errorf("the failure is %q %q, want %q", f.Code, f.Message, want)
	}
}

func TestAnRSAKeyForAServerThatKnowsOnlySHA1SaysHow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := generate(t, dir, "id", "", "-t", "rsa", "-b", "2048")
	key := publicKey(t, path+".pub")
	port := startServer(t, func() *ssh.ServerConfig {
		c := castle{key: key}.config()
		c.PublicKeyAuthAlgorithms = []string{ssh.KeyAlgoRSA}
		return c
	})
	env := Env{"HOME=" + dir}
	f := logIn(t, resolve(t, loginBlock(port, "jon", "IdentityFile "+path)...), env, &person{})
	want := &Failure{Code: CodeAuth,
		Message: `the login as "jon" was refused; tried publickey ~/id RSA (the server takes only signatures by SHA-1, which PubkeyAcceptedAlgorithms leaves out); the server accepts publickey`,
		Hint:    "ssh -o PubkeyAcceptedAlgorithms=+ssh-rsa wall",
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("the failure (-want +got):\n%s", diff)
	}
	if f := logIn(t, resolve(t, loginBlock(port, "jon", "IdentityFile "+path, "PubkeyAcceptedAlgorithms +ssh-rsa")...), env, &person{}); f != nil {
		t.Errorf("where it is allowed: %v", f)
	}
}

func TestMoreKeysThanTheLibraryTriesAreARefusal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var block []string
	for i := range 70 {
		path := fmt.Sprintf("%s/id%d", dir, i)
		sshtest.WriteKey(t, path)
		block = append(block, "IdentityFile "+path)
	}
	port := startServer(t, func() *ssh.ServerConfig {
		c := castle{key: sshtest.NewKey(t).PublicKey()}.config()
		c.MaxAuthTries = 100
		return c
	})
	f := logIn(t, resolve(t, loginBlock(port, "jon", block...)...), nil, &person{})
	if f == nil || f.Code != CodeAuth || !strings.HasPrefix(f.Message, `the login as "jon" was refused, and there may be no more than 64 attempts; tried publickey `) {
		t.Errorf("the failure is %+v", f)
	} else if want := "too many keys were offered: ssh -o IdentitiesOnly=yes -i " + dir + "/id64 wall"; f.Hint != want {
		t.Errorf("the hint is %q, want %q", f.Hint, want)
	}
}

//go:build unix

package transport

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

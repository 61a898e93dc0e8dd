package sshtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Realm is a Kerberos server of MIT's on a port of loopback, with all its
// files in one directory, until the test ends.
type Realm struct {
	Name string
	Env  []string // for the programs of Kerberos, and for who speaks with them

	dir string
}

// StartRealm starts a realm that knows the host "127.0.0.1", whose keytab is
// named by Env, and nobody else.
func StartRealm(t testing.TB) *Realm {
	t.Helper()
	for _, program := range []string{"krb5kdc", "kdb5_util", "kadmin.local", "kinit", "klist"} {
		Program(t, program)
	}
	r := &Realm{Name: "WALL.EXAMPLE", dir: t.TempDir()}
	r.Env = []string{
		"KRB5_CONFIG=" + r.path("krb5.conf"), "KRB5_KDC_PROFILE=" + r.path("kdc.conf"), "KRB5_KTNAME=" + r.path("keytab"),
		"KRB5CCNAME=FILE:" + r.path("cache"), "KRB5RCACHETYPE=none",
	}
	port := FreePort(t)
	r.write(t, "krb5.conf", fmt.Sprintf("[libdefaults]\ndefault_realm = %s\ndns_lookup_kdc = false\ndns_lookup_realm = false\n"+
		"dns_canonicalize_hostname = false\nrdns = false\n[realms]\n%[1]s = {\n kdc = 127.0.0.1:%d\n}\n", r.Name, port))
	r.write(t, "kdc.conf", fmt.Sprintf("[kdcdefaults]\nkdc_ports = %d\nkdc_tcp_ports = %[1]d\n[realms]\n%s = {\n database_name = %s\n key_stash_file = %s\n"+
		" acl_file = %s\n supported_enctypes = aes256-cts:normal aes128-cts:normal\n}\n", port, r.Name, r.path("db"), r.path("stash"), r.path("acl")))
	r.run(t, "", "kdb5_util", "create", "-s", "-P", "master")
	r.run(t, "", "kadmin.local", "addprinc", "-randkey", "host/127.0.0.1")
	r.run(t, "", "kadmin.local", "ktadd", "-k", r.path("keytab"), "host/127.0.0.1")
	r.start(t, port)
	return r
}

func (r *Realm) start(t testing.TB, port int) {
	t.Helper()
	kdc := r.command(t, "krb5kdc", "-n", "-P", r.path("pid"))
	if err := kdc.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kdc.Process.Kill()
		kdc.Wait()
	})
	Eventually(t, "the Kerberos server listens", func() bool {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// LogIn makes a user and gets a ticket, as somebody does with kinit. life is
// that of the ticket, as kinit -l has it.
func (r *Realm) LogIn(t testing.TB, user, life string) {
	t.Helper()
	r.run(t, "", "kadmin.local", "addprinc", "-pw", "winter", user)
	r.run(t, "winter\n", "kinit", "-l", life, user)
}

// Expired tells whether the ticket that LogIn got is of no use any more.
func (r *Realm) Expired() bool {
	cmd := exec.Command("klist", "-s")
	cmd.Env = append(os.Environ(), r.Env...)
	return cmd.Run() != nil
}

func (r *Realm) run(t testing.TB, input, name string, args ...string) {
	t.Helper()
	cmd := r.command(t, name, args...)
	cmd.Stdin = strings.NewReader(input)
	output(t, cmd)
}

func (r *Realm) command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(Program(t, name), args...)
	cmd.Env = append(os.Environ(), r.Env...)
	return cmd
}

func (r *Realm) path(name string) string { return filepath.Join(r.dir, name) }

func (r *Realm) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(r.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

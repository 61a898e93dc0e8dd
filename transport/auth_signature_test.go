//go:build unix

package transport

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/internal/sshtest"
)

// TestAKeyWhoseSignatureIsRefusedIsFollowedByTheNext has sshd accept a key and
// refuse its signature: the command that lists the keys names it once.
func TestAKeyWhoseSignatureIsRefusedIsFollowedByTheNext(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		sshtest.Missing(t, "this needs root, for an AuthorizedKeysCommand")
	}
	dir := t.TempDir()
	for _, name := range []string{"once", "good"} {
		generate(t, dir, name, "", "-t", "ed25519")
	}
	write(t, dir+"/list", "cat "+dir+"/good.pub\ntest -e "+dir+"/asked || cat "+dir+"/once.pub\n: >"+dir+"/asked\n")
	server := sshtest.StartServer(t, "AuthorizedKeysCommand /bin/sh "+dir+"/list", "AuthorizedKeysCommandUser root", "AuthorizedKeysFile none", "AuthenticationMethods publickey")
	for _, row := range []struct {
		name  string
		files []string
		steps []string
		want  *Failure
	}{
		{"another key", []string{"once", "good"}, []string{"publickey ~/once", "publickey ~/good"}, nil},
		{"no other key", []string{"once"}, []string{"publickey ~/once"}, &Failure{
			Code:    CodeAuth,
			Message: `the login as "` + me(t) + `" was refused; tried publickey ~/once ED25519 (known there, but its signature was refused); the server accepts publickey`,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := os.Remove(dir + "/asked"); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			var block []string
			for _, file := range row.files {
				block = append(block, "IdentityFile "+dir+"/"+file)
			}
			p := &person{}
			f := logIn(t, resolve(t, loginBlock(server.Port, me(t), block...)...), Env{"HOME=" + dir}, p)
			if f != nil {
				f.Hint = "" // has its own tests
			}
			if diff := cmp.Diff(row.want, f); diff != "" {
				t.Errorf("the failure (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.steps, p.steps); diff != "" {
				t.Errorf("the steps (-want +got):\n%s", diff)
			}
		})
	}
}

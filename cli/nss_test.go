//go:build linux

package cli

import (
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"sallyport/internal/sshtest"
)

// inTower runs the script of "$1" where nsswitch.conf is that of this
// directory, no user is in a file and the name server does not answer.
const inTower = `
export ME=$(id -un)
mkdir -p home/.ssh
printf 'varys:x:%d:%d:Varys,,,:%s/home:/bin/sh\n' $(id -u) $(id -g) "$PWD" >passwd
printf 'mad:x:4713\n' >>passwd
printf 'passwd: files tower\nhosts: tower\n' >nsswitch.conf
printf 'nameserver 127.77.0.9\noptions attempts:1 timeout:1\n' >resolv.conf
printf '%s keep.dragon.test keep.dragon.test. dragon\n' 127.0.0.1 >hosts
printf '%s winter\n' ::1 127.0.0.1 >>hosts
printf '%s silent\n' 127.0.0.9 127.0.0.8 127.0.0.1 >>hosts
printf '::1 six\n' >>hosts
cat "$CONFIG" >home/.ssh/config
: >gai.conf
: >empty
inside() {
	TOWER=$PWD unshare -m bash -c 'set -e
	mount --bind empty /etc/passwd
	for name in nsswitch.conf resolv.conf gai.conf; do mount --bind $name /etc/$name; done
	export LD_LIBRARY_PATH="$MODULE"
	ssh() { command $SSH -F "$CONFIG" -o User=$ME -o Port=$SERVER -o HostKeyAlias=[127.0.0.1]:$SERVER "$@"; }
	bare() { command $SSH "$@"; }
	set +e
	'"$1" </dev/null
	status=$?
	rm -r passwd nsswitch.conf resolv.conf hosts gai.conf empty home
	return $status
}
`

// TestHostsAndUsersOfOtherSourcesAreThoseOfSSH has hosts and users that only a
// module of glibc knows found by the real ssh and by us, who are not linked with
// glibc.
func TestHostsAndUsersOfOtherSourcesAreThoseOfSSH(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		sshtest.Missing(t, "this needs root, for a mount namespace")
	}
	sshtest.Program(t, "ssh")
	sshtest.Program(t, "unshare")
	module := sshtest.Tower(t)
	b := newBench(t)
	if dynamic(t, filepath.Join(b.bin, "sallyport")) {
		t.Fatal("the program is linked with the C library")
	}
	for _, row := range []struct{ name, script string }{
		{"a host", `ssh dragon echo hi`},
		{"a host by its other name, in capitals", `ssh KEEP.dragon.test echo hi`},
		{"a host of whose addresses the first does not answer", `ssh winter echo hi`},
		{"a host of three addresses", `ssh silent echo hi`},
		{"the order of addresses", `for host in winter silent; do ssh -v $host true 2>&1 | grep -a "Connecting to"; done`},
		{"an order that is set", `echo "precedence ::ffff:0:0/96 100" >gai.conf; ssh -v winter true 2>&1 | grep -a "Connecting to"`},
		{"a host that is nowhere", `ssh nowhere echo hi`},
		{"name servers that do not answer", `echo "hosts: files tower dns" >>nsswitch.conf; ssh nowhere echo hi`},
		{"a host without an address of the family", `ssh -6 dragon echo hi; ssh -4 six echo hi`},
		{"a host of both families by one of them", `ssh -4 winter echo hi`},
		{"an address of both families to connect from", `ssh -o BindAddress=winter 127.0.0.1 echo hi`},
		{"a canonical name", `ssh -G -o CanonicalizeHostname=yes -o CanonicalDomains=dragon.test -o "CanonicalizePermittedCNAMEs=*:*" keep | grep -a "^hostname"`},
		{"the end of an alias", `ssh -G -o CanonicalizeHostname=yes -o "CanonicalizePermittedCNAMEs=*:*" dragon | grep -a "^hostname"`},
		{"the home of the user", `echo "Host wall
  HostName dragon
  User nobody
  Port 77" >home/.ssh/config; bare -G wall | grep -aE "^(user|hostname|port) "`},
		{"the name of the user", `bare -G one | grep -a "^user "`},
		{"the home of a named user", `mkdir home/keys; cp $D/id home/keys; ssh -o IdentityFile=~varys/keys/id -o IdentitiesOnly=yes dragon echo hi`},
		{"a user whose entry is broken", `ssh -o ControlPath=~mad/x one echo hi 2>&1 | grep -ao "tilde_expand: .*"`},
		{"a user who is nobody", `ssh -o ControlPath=~hodor/x one echo hi 2>&1 | grep -ao "tilde_expand: .*"`},
		{"a number that is no user's name", `ssh -o ControlPath=~$(id -u)/x one echo hi 2>&1 | grep -ao "tilde_expand: .*"`},
		{"a target of a remote forward", `ssh -R $FREE:dragon:$SERVER one "nc -w 2 127.0.0.1 $FREE </dev/null | head -c 4"`},
		{"an address to listen at", `ssh -L dragon:$FREE:127.0.0.1:$SERVER one "nc -w 2 127.0.0.1 $FREE </dev/null | head -c 4"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			script := "MODULE=" + module + "; export MODULE FREE SSH D CONFIG SERVER" + inTower + "inside '" + row.script + "'"
			want := b.run(t, "ssh", script)
			if got := b.run(t, "sallyport ssh", script); got != want {
				t.Errorf("%s\n--- ssh\n%s\n--- sallyport ssh\n%s", row.script, want, got)
			}
		})
	}
}

// dynamic tells whether a program is linked when it starts.
func dynamic(t *testing.T, path string) bool {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Section(".interp") != nil
}

//go:build linux

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/internal/sshtest"
)

// toolScripts run programs that run ssh, all through two hops. $SSH is a
// command, $LINK a path; "here" is a directory with all kinds of files, and
// "there" must be its like in the end.
var toolScripts = []struct{ name, program, script string }{
	{"git clones and pushes", "git", `
		git init -q -b main --bare there.git
		git -C here init -q -b main && git -C here add . && git -C here -c user.name=x -c user.email=x commit -q -m x
		export GIT_SSH_COMMAND="$SSH -F $CONFIG"
		git -C here push -q "two:$PWD/there.git" main
		git clone -q "two:$PWD/there.git" there
		rm -r here/.git there/.git`},
	{"rsync sends", "rsync", `rsync -a -e "$SSH -F $CONFIG" here/ "two:$PWD/there"`},
	{"rsync fetches", "rsync", `rsync -a -e "$SSH -F $CONFIG" "two:$PWD/here/" there`},
	{"scp copies both ways", "scp", `
		scp -q -r -S "$LINK" -F "$CONFIG" here "two:$PWD/middle"
		scp -q -r -S "$LINK" -F "$CONFIG" "two:$PWD/middle" there`},
	{"scp copies by its old protocol", "scp", `scp -O -q -r -S "$LINK" -F "$CONFIG" here "two:$PWD/there"`},
	{"sftp copies both ways", "sftp", `
		printf 'put -R here %s/middle\nget -R %s/middle there\n' "$PWD" "$PWD" | sftp -q -b - -S "$LINK" -F "$CONFIG" two >/dev/null`},
	{"ansible runs a task", "ansible", `
		export ANSIBLE_SSH_EXECUTABLE="$LINK" ANSIBLE_LOCALHOST_WARNING=no ANSIBLE_HOME="$PWD/.ansible" ANSIBLE_SSH_CONTROL_PATH_DIR="$PWD/.ansible"
		ansible all -i two, --ssh-common-args "-F $CONFIG -o ControlMaster=no -o ControlPath=none" -m raw -a "cp -r $PWD/here $PWD/there" >/dev/null
		rm -rf .ansible`},
	{"sshfs shows the files", "sshfs", `
		mkdir mount
		sshfs -o ssh_command="$SSH -F $CONFIG" "two:$PWD/here" mount
		cp -r mount there; fusermount3 -u mount; rmdir mount`},
}

// TestProgramsThatRunSSHRunUs has each of them move a tree of files through
// two hops.
func TestProgramsThatRunSSHRunUs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link := filepath.Join(t.TempDir(), "ssh")
	if err := os.Symlink(filepath.Join(b.bin, "sallyport"), link); err != nil {
		t.Fatal(err)
	}
	t.Run("tools", func(t *testing.T) {
		for _, row := range toolScripts {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sshtest.Program(t, row.program)
				if row.program == "sshfs" {
					needFUSE(t)
				}
				dir := t.TempDir()
				plant(t, filepath.Join(dir, "here"))
				cmd := exec.Command(sshtest.Program(t, "bash"), "-e", "-c", row.script)
				cmd.Dir = dir
				cmd.Env = append(plainEnvironment(), "PATH="+b.bin+":"+os.Getenv("PATH"), "SSH=sallyport ssh", "LINK="+link,
					"CONFIG="+b.config, "XDG_RUNTIME_DIR="+b.bin)
				if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
					t.Fatalf("%v\n%s", err, out)
				}
				same := func(text string) string { return text }
				here, there := b.tree(t, filepath.Join(dir, "here"), same), b.tree(t, filepath.Join(dir, "there"), same)
				if here != there || here == "" {
					t.Errorf("here is\n%.2000s\nthere is\n%.2000s", here, there)
				}
			})
		}
	})
}

// plant makes files of all kinds: empty, large, binary, deep, oddly named.
func plant(t *testing.T, dir string) {
	t.Helper()
	for name, text := range map[string]string{
		"empty": "", "large": strings.Repeat("0123456789abcdef", 20_000), "binary": "\x00\xff\r\n\x04~.",
		"deep/er/file": "x\n", "with blank": "y\n", "quote'd": "z\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// needFUSE skips a test where the kernel lets nobody mount: in most
// containers.
func needFUSE(t *testing.T) {
	t.Helper()
	if !sshtest.CanMount() {
		t.Skip("file systems cannot be mounted here")
	}
}

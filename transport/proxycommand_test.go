//go:build unix

package transport

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/config"
	"sallyport/internal/sshtest"
)

func TestAProxyCommandIsRunAsSSHRunsIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, command string
		shell         string // in SHELL: "logging" notes what it is asked to run
		says          string
	}{
		{"its tokens are put in", `%D/note %%h=%h %%n=%n %%p=%p %%r=%r`, "/bin/sh", "%h=wall.example.org %n=wall %p=2222 %r=jon\n"},
		{"exec in front is one too many", `exec %D/note x`, "/bin/sh", ""},
		{"quotes are the shell's", `%D/note 'a  b' "$HOME"x`, "/bin/sh", "a  b HOMEx\n"},
		{"two commands in a row need a shell of their own", `sh -c '%D/note one; %D/note two'`, "/bin/sh", "one\ntwo\n"},
		{"what follows the first command is not run", `%D/note one; %D/note two`, "/bin/sh", "one\n"},
		{"a pipe is the shell's", `echo piped | %D/note $(cat)`, "/bin/sh", "piped\n"},
		{"a variable of the caller", `%D/note $CASTLE`, "/bin/sh", "winterfell\n"},
		{"a program in the caller's directory", `./note here`, "/bin/sh", "here\n"},
		{"the shell is that of the caller", `%D/note x`, "logging", "-c exec %D/note x\nx\n"},
		{"an empty SHELL is sh", `%D/note x`, "", "x\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var noted [2]string
			for i, run := range []func(t *testing.T, cfg *config.Config, env Env){dialWall, sshToWall} {
				dir := t.TempDir()
				program(t, filepath.Join(dir, "note"), `echo "$@" >>`+dir+`/noted`)
				program(t, filepath.Join(dir, "logging"), `echo "$@" >>`+dir+`/noted; exec /bin/sh "$@"`)
				shell := test.shell
				if shell == "logging" {
					shell = filepath.Join(dir, shell)
				}
				cfg := load(t, "Host wall\nHostName wall.example.org\nPort 2222\nUser jon\nProxyCommand "+strings.ReplaceAll(test.command, "%D", dir)+"\n")
				run(t, cfg, Env{"PATH=" + os.Getenv("PATH"), "SHELL=" + shell, "PWD=" + dir, "HOME=HOME", "CASTLE=winterfell"})
				text, _ := os.ReadFile(filepath.Join(dir, "noted")) // there is none if nothing was run
				noted[i] = strings.ReplaceAll(string(text), dir, "%D")
			}
			if noted[0] != test.says || noted[1] != test.says {
				t.Errorf("we ran %q and ssh %q, want %q", noted[0], noted[1], test.says)
			}
		})
	}
}

// program writes a script.
func program(t *testing.T, path, text string) {
	t.Helper()
	sshtest.Script(t, path, text+"\n")
}

// dialWall dials wall through a ProxyCommand that leads nowhere.
func dialWall(t *testing.T, cfg *config.Config, env Env) {
	t.Helper()
	links := NewLinks(newWatch().options())
	defer links.Close()
	_, err := links.Get(plan(t, cfg, "wall"), env).Conn(soon(t))
	if code(err) != CodeProxyCommand {
		t.Errorf("Conn: %v", err)
	}
}

// sshToWall does the same with the real ssh.
func sshToWall(t *testing.T, cfg *config.Config, env Env) {
	t.Helper()
	cmd := exec.Command(sshtest.Program(t, "ssh"), "-F", cfg.Paths().User, "wall", "true")
	cmd.Env, cmd.Dir = env, env.Get("PWD")
	if err := cmd.Run(); err == nil {
		t.Error("ssh has connected to nobody")
	}
}

package demo

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/api"
	"sallyport/internal/sshtest"
)

// said is what a command left behind.
type said struct {
	Out, Err string
	Status   int
}

// try runs a line as "ssh targaryen LINE" does, without a network.
func try(line, stdin string) said {
	in := newInput()
	in.fill(strings.NewReader(stdin))
	sh := newShell(&Network{}, hostNamed("targaryen"), []string{"LANG=C.UTF-8"})
	var out, err bytes.Buffer
	sh.in, sh.out, sh.err = in, &out, &err
	status := sh.run(context.Background(), line)
	return said{out.String(), err.String(), status}
}

// listening is what ListenersScript prints on targaryen.
const listening = "@uid 1000\n@ss\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:*\nLISTEN 0 128 127.0.0.1:8080 0.0.0.0:* users:((\"jupyter-lab\",pid=4244,fd=6))\n"

// served is what JupyterScript prints there.
const served = "\n@server here\n" + `{"base_url": "/", "hostname": "localhost", "pid": 4244, "port": 8080, "root_dir": "/home/dany/notebooks", "secure": false, "sock": "", "token": "", "url": "http://localhost:8080/", "version": "2.14.2"}` + "\n"

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		line, stdin string
		want        said
	}{
		{"hostname", "", said{Out: "targaryen\n"}},
		{"whoami; pwd", "", said{Out: "dany\n/home/dany\n"}},
		{"echo -n $USER@$LANG in ${HOME} '$HOME' \"$PWD\"", "", said{Out: "dany@C.UTF-8 in /home/dany $HOME /home/dany"}},
		{"ls", "", said{Out: "data.csv\nnotebooks/\npaper.tex\n"}},
		{"ls notebooks ~/data.csv", "", said{Out: "dragons.ipynb\nwildfire-fit.ipynb\n/home/dany/data.csv\n"}},
		{"ls /etc", "", said{Err: "ls: cannot access '/etc': No such file or directory\n", Status: 1}},
		{"cd notebooks; pwd; ls ../data.csv; cd; pwd", "", said{Out: "/home/dany/notebooks\n../data.csv\n/home/dany\n"}},
		{"cd nowhere || echo stayed", "", said{Out: "stayed\n", Err: "cd: nowhere: No such directory\n"}},
		{"cd ../../etc", "", said{Err: "cd: ../../etc: No such directory\n", Status: 1}},
		{"cat data.csv", "", said{Out: data}},
		{"cat ../../etc/passwd", "", said{Err: "cat: ../../etc/passwd: No such file\n", Status: 1}},
		{"cat", "\x00\x03\xff\r\n", said{Out: "\x00\x03\xff\r\n"}},
		{"cat data.csv -", "end", said{Out: data + "end"}},
		{"less data.csv", "", said{Out: data}},
		{"exec sh", api.JupyterScript, said{Out: served}},
		{"exec sh", api.ListenersScript, said{Out: listening}},
		{"exec sh", "while :; do (" + api.ListenersScript + ")\necho @end\nread -r again || exit 0\ndone\n\n", said{Out: listening + "\n@end\n" + listening + "\n@end\n"}},
		{"exec sh", "echo mine\n", said{Err: "sh: the script is none of Sallyport's\n", Status: 1}},
		{"exec bash", "", said{Err: "exec: only a script of Sallyport's is run\n", Status: 1}},
		{"exit 7", "", said{Status: 7}},
		{"exit 256", "", said{}},
		{"exit -1", "", said{Status: 255}},
		{"exit x", "", said{Err: "exit: x: numeric argument required\n", Status: 2}},
		{"false; exit", "", said{Status: 1}},
		{"exit 3; echo unreached", "", said{Status: 3}},
		{"rm -rf /", "", said{Err: "sh: rm: command not found\n", Status: 127}},
		{"'\x1b[2J'", "", said{Err: "sh: \\x1b[2J: command not found\n", Status: 127}},
		{"''", "", said{Err: "sh: : command not found\n", Status: 127}},
		{"echo a | cat", "", said{Err: "sh: \"|\" is more than this demo's shell can do\n", Status: 2}},
		{"echo $(id)", "", said{Err: "sh: \"$(\" is more than this demo's shell can do\n", Status: 2}},
		{"echo 'open", "", said{Err: "sh: syntax error: a ' is not closed\n", Status: 2}},
		{"tty", "", said{Out: "not a tty\n", Status: 1}},
		{"stty size", "", said{Err: "stty: 'standard input': Inappropriate ioctl for device\n", Status: 1}},
		{"top", "", said{Err: "top: failed tty get\n", Status: 1}},
		{"sleep 0", "", said{}},
		{"sleep nan", "", said{Err: "sleep: invalid time interval 'nan'\n", Status: 1}},
		{"uname -a", "", said{Out: "Demo targaryen 1.0 sallyport\n"}},
		{"", "", said{}},
		{"# nothing", "", said{}},
	} {
		t.Run(c.line, func(t *testing.T) {
			if diff := cmp.Diff(c.want, try(c.line, c.stdin)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the toy accepts means what it means to the real sh.
func TestLinesMeanWhatTheyMeanToSh(t *testing.T) {
	sshtest.Program(t, "sh")
	for _, line := range []string{
		`echo a  b	c`,
		`echo 'a  b' "c  d" e\ f`,
		`echo "a\"b" "a\$b" "a\q" 'a\q' a\\q`,
		`echo a;echo b; ;`,
		`echo a;echo b;`,
		`echo "" '' | true`,
		`false || echo b && echo c`,
		`true || echo b && echo c`,
		`false && echo b || echo c`,
		`false; echo $?`,
		`echo $? "$?" '$?'`,
		`$NO`,
		`false; $NO "$NO"`,
		`echo *`,
		`echo '*' "*" \*`,
		`echo a#b # c`,
		`echo a && # why
		echo b`,
		"echo a\necho b\n\n",
		"echo 'a\nb'",
		`echo $`,
		`echo "$" a$ $-x`,
		`echo ${NO} a${NO}b "$NO"`,
		`echo a'b'"c"d`,
		`&& echo a`,
		`echo a &&`,
		`echo a && && echo b`,
		`echo a ||`,
		`; echo a`,
		`echo a ;; echo b`,
		"echo a\n; echo b",
		"echo a &&\n\necho b",
		"\n\necho a",
		`echo "open`,
		`echo é ü`,
		`exit 300`,
		`echo a; exit 4; echo b`,
		`cd / && cd; false`,
	} {
		t.Run(line, func(t *testing.T) {
			ours := try(line, "")
			if strings.Contains(ours.Err, "more than this demo's shell") || strings.Contains(ours.Err, "No such directory") {
				return // said so, and did not do something else
			}
			var out bytes.Buffer
			cmd := exec.Command("sh", "-c", line)
			cmd.Stdout = &out
			_ = cmd.Run() // its status is compared below
			want := said{Out: out.String(), Status: cmd.ProcessState.ExitCode()}
			if ours.Err = ""; ours.Status == misused && want.Status == misused {
				want.Out = ours.Out // sh has run the lines before the wrong one; we refuse all
			}
			if diff := cmp.Diff(want, ours); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`echo "a$b" 'c'; x && y || z # e`, "a\\", `"\`, "${", "~", "~a ~/b", "$?$", "a&&\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		steps, err := parse(s)
		if err != nil && steps != nil {
			t.Errorf("both %v and %v", steps, err)
		}
		for _, st := range steps {
			if len(st.words) == 0 {
				t.Errorf("a step without words in %q", s)
			}
		}
	})
}

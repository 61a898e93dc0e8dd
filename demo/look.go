package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/api"
	"sallyport/transport"
)

// looks are the scripts by which Sallyport looks around on a host, and what
// they print here. The toy is no POSIX shell: it knows them by heart.
var looks = map[string]func(*shell){
	api.ListenersScript: listeners,
	api.JupyterScript:   jupyterServers,
	api.KeepersScript:   func(*shell) {}, // its hosts keep no shells
	transport.FarScript: account,
}

// execute is "exec sh", which reads one of looks: as it is, or as a loop that
// repeats it at each line of the input (api.Terminal.Repeat).
func execute(ctx context.Context, sh *shell, args []string) int {
	if !slices.Equal(args, []string{"sh"}) || sh.tty != nil {
		return sh.complain("exec: only a script of Sallyport's is run")
	}
	var text string
	for {
		line, err := sh.in.line(ctx)
		if err != nil {
			return sh.complain("sh: the script is none of Sallyport's")
		}
		text += line + "\n"
		for script, look := range looks {
			switch {
			case text == script:
				look(sh)
				return 0
			case strings.HasPrefix(text, "while ") && strings.HasSuffix(text, "\ndone\n") && strings.Contains(text, script):
				return repeat(ctx, sh, look)
			}
		}
	}
}

func repeat(ctx context.Context, sh *shell, look func(*shell)) int {
	for {
		look(sh)
		sh.say("", "@end")
		if _, err := sh.in.line(ctx); err != nil {
			return 0
		}
	}
}

// listeners prints as ss(8) does: the server that a client came in by, and the
// page.
func listeners(sh *shell) {
	sh.say("@uid 1000", "@ss", "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*")
	if sh.host.hasPage() {
		sh.say(fmt.Sprintf(`LISTEN 0 128 127.0.0.1:%d 0.0.0.0:* users:(("%s",pid=%d,fd=6))`, pagePort, pageServer, pagePID()))
	}
}

// jupyterServers prints what a server writes about itself. The page asks for no
// token.
func jupyterServers(sh *shell) {
	if sh.host.hasPage() {
		sh.say("", "@server here", fmt.Sprintf(`{"base_url": "/", "hostname": "localhost", "pid": %d, "port": %d, "root_dir": %q, "secure": false, "sock": "", "token": "", "url": "http://localhost:%[2]d/", "version": "2.14.2"}`,
			pagePID(), pagePort, sh.home+"/notebooks"))
	}
}

// account prints what the doctor wants to know of one: all is well.
func account(sh *shell) {
	sh.say("@sallyport", fmt.Sprintf("@time %d", time.Now().Unix()), "@uid 1000", "@home drwx------ 1000", "@room 1048576")
}

// The page of the demo, as its host sees it.
const (
	pagePort   = 8080
	pageServer = "jupyter-lab"
)

func (h *host) hasPage() bool { return h.reaches[fmt.Sprintf("localhost:%d", pagePort)] != "" }

func pagePID() int {
	return firstPID + slices.IndexFunc(busy, func(p program) bool { return p.name == pageServer })
}

package ui

import (
	"context"
	"strings"

	"sallyport/api"
)

func noShellToLog(s *screen) string {
	if reason := noRoster(s); reason != "" {
		return reason
	}
	switch sh := s.rosterItem().session; {
	case sh == nil:
		return "Only what a shell shows can be written to a file."
	case !sh.Kept():
		return "It has no terminal: what it writes can be redirected where it was started."
	case sh.State != api.SessionRunning:
		return "It does not run."
	}
	return ""
}

// logShell has the output of a shell go to a file, or ends that.
func (s *screen) logShell() {
	sh := *s.rosterItem().session
	if sh.Recorded != nil {
		s.changeLog(sh, "The log is in "+tilde(sh.Recorded.Path), func(ctx context.Context) error { return s.b.StopLog(ctx, sh.ID) })
		return
	}
	s.dialog = s.logDialog(sh)
}

// logDialog asks for the name of the file.
func (s *screen) logDialog(sh api.Session) *dialog {
	path := newField(false)
	path.paste("~/" + fileName(sh.Host) + s.now().Format("-20060102-150405") + ".cast")
	leave := func() { s.dialog = nil; s.askNext() }
	d := &dialog{
		title: "Log of " + clean(sh.Host),
		body: []paragraph{
			{text: "What the shell shows from now on goes to a new file, which you alone can read. What is typed goes there only where it is shown.", style: s.plain},
			{text: "NAME.cast    for  asciinema play", style: s.dim},
			{text: "any other    the bytes as they come", style: s.dim},
		},
		fields: []*prompt{{"File", path}},
		escape: leave,
	}
	begin := func() {
		name := strings.TrimSpace(path.shown())
		if name == "" {
			d.said = "A name is missing."
			return
		}
		leave()
		s.changeLog(sh, clean(sh.Host)+": log to "+clean(name), func(ctx context.Context) error {
			return s.b.Log(ctx, sh.ID, api.SessionLog{Path: untilde(name)})
		})
	}
	d.buttons = []button{{"Begin", 'b', begin}, {"Cancel", 'c', leave}}
	return d
}

// changeLog does so outside the loop, and tells what came of it.
func (s *screen) changeLog(sh api.Session, done string, f func(context.Context) error) {
	s.act(f, func(err error) {
		if err != nil {
			message, hint := sentence(err)
			s.fail(sh.Host, message, hint)
			return
		}
		s.tell(done)
	})
}

// fileName is the name of a host as a part of a file's.
func fileName(host string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) || r < ' ' {
			return '_'
		}
		return r
	}, host)
}

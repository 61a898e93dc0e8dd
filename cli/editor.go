package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"sallyport/api"
)

// edit opens a file in the person's editor, at a line if it is not 0.
func (a *app) edit(ctx context.Context, file string, line int) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil { // as ssh makes ~/.ssh
		return err
	}
	words := editor(os.Getenv)
	words = append(words, at(words[0], file, line)...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.In, a.Out, a.Err
	if err := cmd.Run(); err != nil {
		return &api.Error{
			Code:    api.CodeBadRequest,
			Message: fmt.Sprintf("the editor %q: %v", words[0], err),
			Hints:   []string{"export EDITOR=nano"},
		}
	}
	return nil
}

// editor is the command of VISUAL or EDITOR, which may have arguments.
func editor(getenv func(string) string) []string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if words := strings.Fields(getenv(name)); len(words) > 0 {
			return words
		}
	}
	return []string{"vi"}
}

// at is how an editor is told the line: +LINE FILE for vi, nano, emacs and
// most others.
func at(program, file string, line int) []string {
	if line == 0 {
		return []string{file}
	}
	place := file + ":" + strconv.Itoa(line)
	switch filepath.Base(program) {
	case "code", "codium", "code-insiders":
		return []string{"--wait", "--goto", place}
	case "hx", "helix", "subl", "zed":
		return []string{place}
	}
	return []string{"+" + strconv.Itoa(line), file}
}

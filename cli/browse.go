package cli

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"sallyport/api"
)

// browse opens a page in the person's browser. The program may not write: the
// screen has the terminal. Without a display xdg-open would look for a browser
// that wants it.
func browse(ctx context.Context, url string) error {
	graphical := os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" || runtime.GOOS == "darwin" || runtime.GOOS == "windows"
	if !graphical && os.Getenv("BROWSER") == "" {
		return &api.Error{Code: "no-browser", Message: "there is no display to open a browser on"}
	}
	argv := browser(url)
	if err := exec.CommandContext(ctx, argv[0], argv[1:]...).Run(); err != nil {
		return &api.Error{Code: "no-browser", Message: fmt.Sprintf("opening a browser: %s", err)}
	}
	return nil
}

// pageLife is how long a browser has to read the page that leads it on.
const pageLife = 5 * time.Second

// browseInPrivate opens an address that has a secret in it. Everybody on the
// machine can read the arguments of a browser, so that it is given a file which
// only the user can read and which leads on to the address, as Jupyter itself
// does it. (A redirect served on loopback could be fetched by whoever comes
// first.)
func (a *app) browseInPrivate(ctx context.Context, url string) error {
	d, err := a.dirs()
	if err != nil {
		return err
	}
	page, err := writePage(d.Runtime, url)
	if err != nil {
		return fmt.Errorf("leading the browser to the server: %w", err)
	}
	defer os.Remove(page)
	argv := browser("file://" + page)
	cmd := exec.Command(argv[0], argv[1:]...)
	if err := cmd.Start(); err != nil {
		return &api.Error{
			Code:    api.CodeNotFound,
			Message: "no browser was started: " + api.Printable(err.Error()),
			Hints:   []string{"print the address instead: --no-browser", "name a browser: BROWSER=firefox"},
		}
	}
	go func() { _ = cmd.Wait() }() // ends with the browser, which may outlive us
	select {
	case <-ctx.Done():
	case <-time.After(pageLife):
	}
	return nil
}

// writePage writes the page into a directory of the user's own.
func writePage(dir, url string) (path string, err error) {
	f, err := os.CreateTemp(dir, "open-*.html") // 0600
	if err != nil {
		return "", err
	}
	defer f.Close()
	quoted := html.EscapeString(url)
	_, err = fmt.Fprintf(f, "<!DOCTYPE html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"1;url=%s\"><a href=\"%[1]s\">Jupyter</a>\n", quoted)
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return filepath.Clean(f.Name()), err
}

// browser is the command that opens an address: BROWSER, a list as xdg-open
// knows it, of which the first counts; else what the system has.
func browser(address string) (argv []string) {
	if first, _, _ := strings.Cut(os.Getenv("BROWSER"), string(os.PathListSeparator)); strings.TrimSpace(first) != "" {
		argv = strings.Fields(first)
		if !strings.Contains(first, "%s") {
			argv = append(argv, "%s")
		}
		for i := range argv {
			argv[i] = strings.ReplaceAll(argv[i], "%s", address)
		}
		return argv
	}
	switch runtime.GOOS {
	case "darwin":
		return []string{"open", address}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	}
	return []string{"xdg-open", address}
}

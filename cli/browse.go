package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"sallyport/api"
)

// browserStart is how long a browser that cannot be started has to say so.
const browserStart = time.Second

// browse opens an address in the person's browser, which may outlive us. It
// may not write: the screen has the terminal. Without a display xdg-open would
// look for a browser that wants it.
func browse(ctx context.Context, address string) error {
	graphical := os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" || runtime.GOOS == "darwin" || runtime.GOOS == "windows"
	if !graphical && os.Getenv("BROWSER") == "" {
		return noBrowser("there is no display to open a browser on")
	}
	argv := browser(address)
	cmd := exec.Command(argv[0], argv[1:]...)
	if err := cmd.Start(); err != nil {
		return noBrowser(fmt.Sprintf("no browser was started: %v", err))
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the browser, or with us
	select {
	case err := <-ended:
		if err != nil {
			return noBrowser(fmt.Sprintf("%s opened nothing: %v", argv[0], err))
		}
	case <-time.After(browserStart):
	case <-ctx.Done():
	}
	return nil
}

func noBrowser(why string) error {
	return &api.Error{Code: "no-browser", Message: api.Printable(why), Hints: []string{"name a browser: BROWSER=firefox"}}
}

// browseInPrivate is browse for an address that has a secret in it.
func browseInPrivate(ctx context.Context, c *api.Client, address string) error {
	page, err := c.Page(ctx, address)
	if err != nil {
		return fmt.Errorf("leading the browser to the server: %w", err)
	}
	return browse(ctx, "file://"+page)
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

package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"sallyport/api"
)

// browser is the program that opens a page in the browser of the desktop.
func browser(url string) []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"open", url}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", url}
	}
	return []string{"xdg-open", url}
}

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

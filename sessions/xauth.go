package sessions

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sallyport/transport"
)

const (
	magicCookie = "MIT-MAGIC-COOKIE-1" // the way to authenticate that xauth and sshd know
	cookieSize  = 16                   // bytes of one that is made up

	// cookieSlack is how much longer an untrusted cookie lives than it is
	// accepted here, so that no client comes to an X server that has forgotten
	// it and lets it in by another rule (X11_TIMEOUT_SLACK in clientloop.c).
	cookieSlack = 60 * time.Second
)

// xauth is the program that keeps the cookies of X servers.
type xauth struct {
	program, display string
	env              transport.Env // with the caller's XAUTHORITY
}

// list finds the cookie of the display, and how it is shown.
func (x xauth) list(ctx context.Context) (protocol string, cookie []byte, found bool) {
	return x.read(ctx, "list", x.name())
}

// generate has the X server make a cookie for clients that it must not trust.
// It is never written to the caller's own file.
func (x xauth) generate(ctx context.Context, limit time.Duration) (protocol string, cookie []byte, found bool) {
	dir, err := os.MkdirTemp("", "xauth")
	if err != nil {
		return "", nil, false
	}
	defer os.RemoveAll(dir) // what stays behind expires
	file := filepath.Join(dir, "xauthfile")
	args := []string{"-f", file, "generate", x.name(), magicCookie, "untrusted"}
	if limit > 0 {
		args = append(args, "timeout", fmt.Sprint(int((limit + cookieSlack).Seconds())))
	}
	if _, err := x.run(ctx, args...); err != nil {
		return "", nil, false
	}
	return x.read(ctx, "-f", file, "list", x.name())
}

// name is the display as xauth lists it: that of this machine by its socket.
func (x xauth) name() string {
	if number, ok := strings.CutPrefix(x.display, "localhost:"); ok {
		return "unix:" + number
	}
	return x.display
}

// read has xauth list a cookie: "display protocol hexadecimal".
func (x xauth) read(ctx context.Context, args ...string) (protocol string, cookie []byte, found bool) {
	out, err := x.run(ctx, args...)
	if err != nil {
		return "", nil, false
	}
	line, _, _ := strings.Cut(string(out), "\n")
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return "", nil, false
	}
	cookie, err = hex.DecodeString(fields[2])
	fits := err == nil && len(cookie) > 0 && len(cookie) <= maxField && len(fields[1]) <= maxField
	return fields[1], cookie, fits
}

func (x xauth) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, x.program, args...)
	cmd.Env = x.env
	return cmd.Output()
}

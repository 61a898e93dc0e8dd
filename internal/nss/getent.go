package nss

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

// errUnknown is getent's word for a key that is in no source.
var errUnknown = errors.New("no such entry")

// The statuses of getent(1), and that of an option which an older one does not
// have (EX_USAGE of argp).
const (
	statusUnknown = 2
	statusUsage   = 64
)

// mostSaid is more than any entry has.
const mostSaid = 256 << 10

// getent runs getent(1) within a limit of time and returns what it prints. It
// fails with errUnknown where there is no such entry, and with
// exec.ErrNotFound where there is no getent.
func getent(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	said := said{end: end}
	cmd := exec.CommandContext(ctx, "getent", args...)
	cmd.Stdout = &said
	cmd.WaitDelay = time.Second // for a child of it that keeps the pipe open
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case hasStatus(err, statusUnknown):
		return "", errUnknown
	case err != nil:
		return "", err
	}
	return string(said.text), nil
}

func hasStatus(err error, status int) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == status
}

// said takes what a program prints, and ends one that prints more than mostSaid.
type said struct {
	text []byte
	end  context.CancelCauseFunc
}

var errTooMuch = errors.New("getent prints too much")

func (s *said) Write(p []byte) (int, error) {
	if len(s.text)+len(p) > mostSaid {
		s.end(errTooMuch)
		return 0, errTooMuch
	}
	s.text = append(s.text, p...)
	return len(p), nil
}

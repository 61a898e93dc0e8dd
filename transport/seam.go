package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"syscall"

	"sallyport/config"
)

// askFunc asks a person on behalf of one hop: it fills in what the question
// does not know, the host and its place in the chain.
type askFunc func(ctx context.Context, q Question) (Answer, error)

// whereSet says where a keyword was set, "" if nobody did.
func whereSet(h *config.Host, keyword string) string {
	if origin, set := h.IsSet(keyword); set {
		return fmt.Sprintf("%s is set at %s", keyword, origin)
	}
	return ""
}

var disconnectText = regexp.MustCompile(`ssh: disconnect, reason (\d+): ("(?:[^"\\]|\\.)*")`)

// disconnect reads reason and message of a disconnect from err.
func disconnect(err error) (reason int, message string, ok bool) {
	m := disconnectText.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, "", false
	}
	reason, numberErr := strconv.Atoi(m[1])
	message, quoteErr := strconv.Unquote(m[2])
	return reason, message, numberErr == nil && quoteErr == nil
}

// ended tells whether the far side has closed the connection.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

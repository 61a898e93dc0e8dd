package cli

import (
	"io"
	"strings"
	"sync"
	"time"

	"sallyport/api"
	"sallyport/config"
)

// banners prints what is said on the way to a login, as it comes, where ssh
// would: at LogLevel INFO (input_userauth_banner of sshconnect2.c).
type banners struct {
	out   io.Writer
	loud  func(api.Link) bool // whether it is to be printed
	since time.Time           // what was said for a connection that was made before was said to others

	mu    sync.Mutex     // guards shown
	shown map[string]int // by link: how much of its banner, in bytes
}

// see looks at a link.
func (b *banners) see(l api.Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	shown, known := b.shown[l.ID]
	if b.shown == nil {
		b.shown = map[string]int{}
	}
	b.shown[l.ID] = len(l.Banner)
	made := l.State == api.LinkUp && l.Since.Before(b.since)
	if len(l.Banner) > shown && (known || !made) && b.loud(l) {
		io.WriteString(b.out, strings.TrimPrefix(l.Banner[shown:], "\n")+"\n")
	}
}

// banners prints on standard error what is said on the way to a login from now
// on.
func (a *app) banners() *banners {
	return &banners{out: a.Err, since: time.Now(), loud: func(l api.Link) bool {
		p, err := a.paths()
		if err != nil {
			return true
		}
		h, _ := config.Load(p).Resolve(l.Host, config.Match{}) // it has been dialled as it is
		return logLevel(h) >= logInfo
	}}
}

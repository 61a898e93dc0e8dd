package daemon

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"sallyport/api"
)

// pageLife is how long a browser has to read a page. One that has to start
// first takes ten seconds and more on a busy machine or a home that is far away.
const pageLife = time.Minute

// pagePattern is what pages are called in the runtime directory.
const pagePattern = "open-*.html"

// pages lead a browser to an address that has a secret in it, as Jupyter itself
// does it: everybody on the machine can read the arguments of a browser, so
// that it is given a file which only the user can read. (A redirect served on
// loopback could be fetched by whoever comes first.) They are kept here and not
// by who asked, who may have ended before the browser has come up.
type pages struct{ dir string }

// write makes the page for an address and gives its path; it is gone after
// pageLife.
func (p pages) write(address string) (path string, err error) {
	f, err := os.CreateTemp(p.dir, pagePattern) // 0600
	if err != nil {
		return "", err
	}
	defer f.Close()
	time.AfterFunc(pageLife, func() { os.Remove(f.Name()) })
	quoted := html.EscapeString(address)
	_, err = fmt.Fprintf(f, "<!DOCTYPE html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"1;url=%s\"><a href=\"%[1]s\">Jupyter</a>\n", quoted)
	return f.Name(), err
}

// clear takes all away, those among them that a process which was killed has
// left. The caller has the lock.
func (p pages) clear() {
	left, _ := filepath.Glob(filepath.Join(p.dir, pagePattern)) // the only error is a bad pattern
	for _, path := range left {
		os.Remove(path)
	}
}

func (d *daemon) postPage(w http.ResponseWriter, r *http.Request) {
	var page api.Page
	if !read(w, r, &page) {
		return
	}
	path, err := d.pages.write(page.URL)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	reply200(w, api.Page{Path: path})
}

package demo

import (
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// pageAddress is where the web page lives.
const pageAddress = "targaryen:8080"

// startPage serves the web page of targaryen at its inner address.
func (n *Network) startPage() {
	l := &handedListener{ctx: n.ctx, conns: make(chan *handedConn)}
	n.serve[pageAddress] = l.hand
	server := &http.Server{
		Handler:           n.page(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				close(c.(*handedConn).done)
			}
		},
	}
	n.running.Go(func() { _ = server.Serve(l) }) // ends with ctx, by Accept's error; Close waits
}

// handedListener is a listener without a port: connections are handed to it.
type handedListener struct {
	ctx   context.Context // ends Accept and all connections
	conns chan *handedConn
}

// handedConn is a connection whose end whoever handed it in waits for.
type handedConn struct {
	net.Conn
	done chan struct{} // closed when the server has done with it
}

// hand gives c to the server and waits until it is served.
func (l *handedListener) hand(c net.Conn) {
	defer context.AfterFunc(l.ctx, func() { _ = c.Close() })() // a pipe's Close never fails
	h := &handedConn{c, make(chan struct{})}
	select {
	case l.conns <- h:
		<-h.done
	case <-l.ctx.Done():
	}
}

func (l *handedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close does nothing: what there is to close ends with ctx.
func (l *handedListener) Close() error   { return nil }
func (l *handedListener) Addr() net.Addr { return pipeAddr(pageAddress) }

// page is a little of what Jupyter shows: the notebooks, each as it is, and
// the two addresses by which programs tell that something answers.
func (n *Network) page() http.Handler {
	files := hostNamed("targaryen").home
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/tree", http.StatusFound)
	})
	mux.HandleFunc("GET /tree", func(w http.ResponseWriter, r *http.Request) {
		notebooks, _ := files.list("notebooks")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, treePage(time.Since(n.started).Round(time.Second), notebooks)) // fails only if the reader has gone
	})
	mux.HandleFunc("GET /files/{name}", func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[path.Join("notebooks", r.PathValue("name"))]
		if !ok {
			http.NotFound(w, r)
			return
		}
		writeJSON(w, text)
	})
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, `{"version": "0.0.demo"}`) })
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, `{"connections": 0, "kernels": 0, "started": "`+n.started.UTC().Format(time.RFC3339)+`"}`)
	})
	return mux
}

func writeJSON(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(text)) // fails only if the reader has gone
}

// treePage is the list of the notebooks. It is no template: see fill.
func treePage(up time.Duration, notebooks []string) string {
	var list strings.Builder
	for _, name := range notebooks {
		fmt.Fprintf(&list, "\n<li><a href=\"/files/%s\">%s</a></li>", url.PathEscape(name), html.EscapeString(name))
	}
	return strings.NewReplacer("{{up}}", up.String(), "{{files}}", list.String()).Replace(treeText)
}

const treeText = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>targaryen: notebooks</title>
<style>
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #2b2220; background: #faf6f2 }
header { background: #7a1f1f; color: #fff; padding: 1rem 2rem }
header small { opacity: .8 }
main { max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
li { padding: .3rem 0; border-bottom: 1px solid #e5dad2; list-style: none }
a { color: #7a1f1f }
</style>
<header><b>targaryen</b> <small>fire, blood and notebooks</small></header>
<main>
<h1>You came through the tunnel</h1>
<p>This page lives on <code>targaryen:8080</code>, which only <code>got-bastion</code> can reach.
It has been up for {{up}}.</p>
<ul>{{files}}
</ul>
</main>
`

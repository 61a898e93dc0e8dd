package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sallyport/api"
)

const token = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"

// server is what JupyterScript writes of one; away is one that runs elsewhere.
func server(state string, port int, dir, url string) string {
	return fmt.Sprintf("\n@server %s\n"+`{"base_url": "/", "hostname": "0.0.0.0", "root_dir": %q, "pid": %d, "port": %d, "token": %q, "url": %q}`,
		state, dir, port, port, token, url)
}

var listening = []api.Listener{
	{Address: "127.0.0.1", Port: 8888, Own: true, PID: 4242, Program: "jupyter-lab", Service: "Jupyter"},
	{Address: "::1", Port: 6006, Own: true, PID: 4300, Program: "tensorboard", Service: "TensorBoard"},
	{Address: "10.0.0.5", Port: 8080, Own: true, PID: 4301, Program: "python3"},
	{Address: "0.0.0.0", Port: 22, Service: "SSH"},
	{Address: "fe80::1234:5678:9abc:def0", Port: 5432, Service: "PostgreSQL"},
}

var errNoBrowser = &api.Error{Code: "no-browser", Message: "there is no display to open a browser on", Hints: []string{"name a browser: BROWSER=firefox"}}

// onTargaryen is the page of the hosts with targaryen selected.
func onTargaryen(t *testing.T, f *fake, w, h int) *stage {
	t.Helper()
	st := perform(t, f, w, h, Options{})
	st.sees("targaryen")
	st.snapshot(afternoon())
	st.sees("refused")
	st.keys("↓")
	st.sees("▌● targaryen")
	return st
}

func TestLooksAroundAreAsTheyWereApproved(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     func(*fake)
		keys  []string
		sees  string
		ports bool
	}{
		{name: "jupyter-looking", f: func(f *fake) { f.looked = make(chan struct{}) }, keys: []string{"j"}, sees: "Looking for"},
		{name: "jupyter-several", f: func(f *fake) {
			f.servers = server("here", 8888, "/home/dany/thesis", "") + server("here", 8889, "/scratch/dany/a/very/deep/directory/of/runs/and/figures", "") +
				server("away", 8888, "/home/dany/gpu", "http://r1n2:8888/") + "\n@node r1n2"
		}, keys: []string{"j", "↓"}, sees: "▌on port 8889"},
		{name: "jupyter-none", keys: []string{"j"}, sees: "no Jupyter server"},
		{name: "jupyter-nodes", f: func(f *fake) { f.servers = "\n@node r1n1\n@node r1n2\n" }, keys: []string{"j", "n", "gpu7"}, sees: "gpu7"},
		{name: "jupyter-failed", f: func(f *fake) {
			f.fails["jupyter"] = &api.Error{Message: `connecting to "targaryen": connection refused`, Hints: []string{"sallyport doctor targaryen"}}
		}, keys: []string{"j"}, sees: "→ sallyport doctor"},
		{name: "jupyter-address", f: func(f *fake) {
			f.servers = server("here", 8888, "/home/dany", "")
			f.fails["private"] = errNoBrowser
		}, keys: []string{"j"}, sees: "http://localhost:8889/?token="},
		{name: "ports", keys: []string{"p"}, ports: true, sees: "TensorBoard"},
	} {
		for _, size := range sizes {
			name := fmt.Sprintf("%s-%dx%d", c.name, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFake()
				if c.f != nil {
					c.f(f)
				}
				st := onTargaryen(t, f, size.w, size.h)
				for _, k := range c.keys {
					st.keys(k)
					if k == "j" {
						st.sees("Jupyter on targaryen")
						st.settled()
					}
				}
				if c.ports {
					f.listeners <- listening
				}
				st.sees(c.sees)
				st.golden(name)
			})
		}
	}
}

func TestKeysOfALookAround(t *testing.T) {
	one := server("here", 8888, "/home/dany", "")
	two := one + server("here", 8899, "/home/dany/b", "")
	away := server("away", 8888, "/home/dany", "http://x:8888/")
	for _, row := range []struct {
		name    string
		servers string
		steps   steps
		calls   []string
		sees    string
	}{
		{"the only server is opened at once", one, steps{{"▌● targaryen", "j"}},
			[]string{"jupyter targaryen ", "forward targaryen localhost:8888", "private http://localhost:8889/?token=" + token}, "answers at http://localhost:8889/."},
		{"of several the one that is chosen", two, steps{{"▌● targaryen", "j"}, {"2 servers of yours", "j Enter"}},
			[]string{"forward targaryen localhost:8899", "private http://localhost:8900/?token=" + token}, "answers at http://localhost:8900/."},
		{"on a node that is typed", away, steps{{"▌● targaryen", "j"}, {"no Jupyter server", "n"}, {"On the node", "gpu7 Enter"}},
			[]string{"jupyter targaryen gpu7", "forward targaryen gpu7:8888", "private http://localhost:8889/?token=" + token}, "answers at"},
		{"on a node of one's jobs", server("away", 8888, "/d", "http://x:1/") + "\n@node r1n1\n@node r1n2", steps{{"▌● targaryen", "j"}, {"r1n2", "↓ Enter"}},
			[]string{"jupyter targaryen r1n2", "forward targaryen r1n2:8888"}, "answers at"},
		{"r looks again", "", steps{{"▌● targaryen", "j"}, {"no Jupyter server", "r"}}, []string{"jupyter targaryen ", "jupyter targaryen "}, "no Jupyter server"},
		{"what is typed for a node is no key", "", steps{{"▌● targaryen", "j"}, {"no Jupyter server", "n q"}}, nil, "On the node  q"},
		{"Esc leaves the node, then the pane", "", steps{{"▌● targaryen", "j"}, {"no Jupyter server", "n Esc"}, {"look again", "Esc"}}, nil, "d doctor"},
		{"Enter on nothing says so", "", steps{{"▌● targaryen", "j"}, {"no Jupyter server", "Enter"}}, nil, "There is nothing to choose."},
		{"there is no address to copy", two, steps{{"▌● targaryen", "j"}, {"2 servers", "y"}}, nil, "There is no address to copy"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.servers = row.servers
			st := onTargaryen(t, f, 120, 34)
			st.follow(row.steps)
			st.sees(row.sees)
			for _, call := range row.calls {
				st.expects(call)
			}
		})
	}
}

// TestTheAddressOfAServerIsOnlyWhereItIsAskedFor has no browser started, and
// looks for the token wherever it could have gone.
func TestTheAddressOfAServerIsOnlyWhereItIsAskedFor(t *testing.T) {
	f := newFake()
	f.servers = server("here", 8888, "/home/dany", "")
	f.fails["private"] = errNoBrowser
	st := onTargaryen(t, f, 80, 24)
	st.keys("j")
	st.sees("there is no display to open a browser on")
	address := "http://localhost:8889/?token=" + token
	st.sees("\n" + address + "\n") // whole, from edge to edge
	st.keys("y")
	st.sees("Copied.")
	if got := string(st.term.GetClipboardData()); got != address {
		t.Errorf("copied %q", got)
	}
	st.keys("Esc")
	st.loses(token)
	st.keys("6")
	st.sees("there is no display")
	if strings.Contains(st.text(), "token=") {
		t.Errorf("the token is in the log:\n%s", st.text())
	}
}

func TestALookAroundIsCancelled(t *testing.T) {
	f := newFake()
	f.looked = make(chan struct{})
	f.servers = server("here", 8888, "/home/dany", "")
	st := perform(t, f, 100, 30, Options{})
	st.sees("tyrell")
	st.keys("↓↓", "j")
	st.sees("Jupyter on tyrell")
	st.snapshot(api.Snapshot{Links: []api.Link{link("l9", "tyrell", "", api.LinkConnecting)}})
	st.sees("connecting…")
	st.keys("Esc")
	st.expects("close l9")
	st.loses("Jupyter on tyrell")
	st.expects("jupyter tyrell left")
	st.event(api.Event{LinkGone: "l9"})
	st.loses("connecting…")
	for _, call := range st.made() {
		if strings.HasPrefix(call, "forward ") {
			t.Errorf("it went on after Esc: %q", st.made())
		}
	}
}

func TestQuestionsComeUpOverALookAround(t *testing.T) {
	f := newFake()
	f.looked = make(chan struct{})
	f.servers = server("here", 8888, "/home/dany", "")
	st := perform(t, f, 100, 30, Options{})
	st.sees("targaryen")
	st.keys("↓↓↓↓↓", "j")
	st.sees("Jupyter on jean-zay")
	s := afternoon()
	s.Questions = []api.Question{passwordQuestion()}
	st.snapshot(s)
	st.sees("Password of rech042")
	st.keys("hunter2", "Enter")
	st.expects(`answer q1 ["hunter2"] `)
	st.event(api.Event{QuestionGone: "q1"})
	st.sees("Jupyter on jean-zay")
	close(f.looked)
	st.expects("forward jean-zay localhost:8888")
}

func TestPortsFollowWhatListens(t *testing.T) {
	f := newFake()
	st := onTargaryen(t, f, 120, 34)
	st.keys("p")
	st.expects("ports targaryen")
	f.listeners <- listening[:1]
	st.sees("1 port", "▌ 8888")
	f.listeners <- listening
	st.sees("5 ports", "jupyter-lab (4242)")
	st.keys("↓")
	st.sees("▌ 6006")
	f.listeners <- listening[1:] // the cursor stays where it is
	st.sees("4 ports", "▌ 6006")
	st.keys("Enter")
	st.expects("forward targaryen [::1]:6006")
	st.sees("Port 6006 of targaryen answers at localhost:6007.")
	s := afternoon()
	s.Tunnels = append(s.Tunnels, api.Tunnel{ID: "t6006", Host: "targaryen", Config: configFile, Link: "l2", Spec: local(6007, "::1", 6006), State: api.TunnelUp})
	st.snapshot(s)
	st.sees("● localhost:6007")
	f.listeners <- nil
	st.sees("Nothing listens there.")
	st.keys("Enter")
	st.sees("Nothing is listed that could be forwarded.")
	st.keys("Esc")
	st.expects("ports targaryen left")
	st.sees("d doctor")
}

// TestALookAroundGoesOnAfterABreak has the connection break under each.
func TestALookAroundGoesOnAfterABreak(t *testing.T) {
	lost := errors.New("targaryen closed the connection")
	const meanwhile = "The connection to targaryen was lost. This goes on when it is back"
	f := newFake()
	f.looked = make(chan struct{})
	st := onTargaryen(t, f, 120, 34)
	st.keys("p")
	f.listeners <- listening
	st.sees("5 ports", "jupyter-lab (4242)")
	f.breaks <- lost
	st.sees(meanwhile, "jupyter-lab (4242)") // what was there stays to be read
	f.listeners <- listening[1:]
	st.sees("4 ports")
	st.loses(meanwhile)
	st.keys("Esc", "j")
	st.sees("Looking for Jupyter servers")
	f.breaks <- lost
	st.sees("The connection to targaryen was lost. This goes on")
	close(f.looked)
	st.sees("no Jupyter server of yours runs on targaryen")
	st.keys("Esc", "6")
	st.sees("targaryen closed the connection")
}

func TestPortsSayWhyTheyAreNotFollowed(t *testing.T) {
	f := newFake()
	f.fails["ports"] = errors.New("the connection was lost")
	st := onTargaryen(t, f, 80, 24)
	st.keys("p")
	st.sees("✗ the connection was lost")
	f.mu.Lock()
	delete(f.fails, "ports")
	f.mu.Unlock()
	st.keys("r")
	f.listeners <- listening
	st.sees("5 ports")
	st.keys("2")
	st.sees("3 of 4 on")
	st.expects("ports targaryen left")
}

func TestADoubleClickForwardsAPort(t *testing.T) {
	doubleClicksAreSlow(t)
	f := newFake()
	st := onTargaryen(t, f, 120, 34)
	st.keys("p")
	f.listeners <- listening
	st.sees("PostgreSQL")
	st.click("PostgreSQL")
	st.click("PostgreSQL")
	st.expects("forward targaryen [fe80::1234:5678:9abc:def0]:5432")
}

// TestAShellThatIsReadyDoesNotPushIn has one come up while somebody looks at
// ports.
func TestAShellThatIsReadyDoesNotPushIn(t *testing.T) {
	f := newFake()
	st := onTargaryen(t, f, 100, 30)
	st.keys("Enter")
	st.expects("start targaryen")
	st.keys("p")
	f.listeners <- listening
	st.sees("5 ports")
	f.shell.ready <- nil
	st.sees("The shell on targaryen is ready")
}

func TestAQuestionWaitsWhileANodeIsTyped(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("targaryen")
	st.keys("j")
	st.sees("no Jupyter server")
	st.keys("n", "gp")
	st.sees("On the node  gp")
	s := afternoon()
	s.Questions = []api.Question{passwordQuestion()}
	st.snapshot(s)
	st.sees("2 Tunnels 3")
	st.keys("u7")
	st.sees("On the node  gpu7")
	st.keys("Esc")
	st.sees("Password of rech042")
}

func TestAServerIsNotOpenedWhileANodeIsTyped(t *testing.T) {
	f := newFake()
	f.looked = make(chan struct{})
	f.servers = server("here", 8888, "/home/dany", "")
	st := onTargaryen(t, f, 100, 30)
	st.keys("j")
	st.sees("Jupyter on targaryen")
	st.keys("n", "q")
	st.sees("On the node  q")
	close(f.looked)
	st.sees("1 server of yours", "On the node  q")
	st.keys("Esc", "Enter")
	st.expects("forward targaryen localhost:8888")
}

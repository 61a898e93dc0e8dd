package ui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"sallyport/api"
	sshkeys "sallyport/keys"
)

// morning is when everything in these tests happens.
var morning = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

func init() { time.Local = time.UTC }

const configFile = "/home/dany/.ssh/config"

// fakeInventory is a configuration that needs no file.
type fakeInventory struct {
	names    []string
	hosts    map[string]api.Host
	details  map[string]api.Detail
	problems []api.Problem
	missing  bool
	changed  chan struct{} // closed when its files have changed; nil never is

	masters    []api.Master
	mastersNow chan []api.Master // each is told of; nil for no change
	followers  atomic.Int32      // of the masters, now

	pairs    []*api.KeyPair
	pairsNow chan api.Keyring // each is told of; nil for no change
	unlooked chan struct{}    // of size 1: nobody looks at the keys any more

	check    chan struct{}            // closed when Check may end; nil at once
	mistakes map[string][]api.Problem // that Detail has from then on
	checked  atomic.Bool
}

func (v *fakeInventory) WaitForChange(ctx context.Context) error {
	select {
	case <-v.changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// FollowMasters tells of what is there, and then of what the test changes.
func (v *fakeInventory) FollowMasters(ctx context.Context, f func([]api.Master)) {
	v.followers.Add(1)
	defer v.followers.Add(-1)
	f(v.masters)
	for {
		select {
		case all := <-v.mastersNow:
			f(all)
		case <-ctx.Done():
			return
		}
	}
}

// FollowKeys tells of what is there, and then of what the test changes.
func (v *fakeInventory) FollowKeys(ctx context.Context, _ string, f func(*api.Keyring, error)) {
	f(&api.Keyring{Pairs: v.pairs}, nil)
	for {
		select {
		case ring := <-v.pairsNow:
			f(&ring, nil)
		case <-ctx.Done():
			poke(v.unlooked)
			return
		}
	}
}

func (v *fakeInventory) Path() string            { return configFile }
func (v *fakeInventory) Missing() bool           { return v.missing }
func (v *fakeInventory) Names() []string         { return v.names }
func (v *fakeInventory) Problems() []api.Problem { return v.problems }

// Form is that of one host, for the golden screens: other tests bring real files.
func (v *fakeInventory) Form(name string) api.Form {
	f := targaryenForm()
	if name == "" {
		f.Host, f.Line, f.Tags, f.Lines = "", 0, nil, f.Lines[len(f.Lines)-2:]
		f.InForce = map[string][]api.Option{"User": {{Key: "User", Value: "dany"}}, "Port": f.InForce["Port"]}
	}
	return f
}

func (v *fakeInventory) Judge(_, value string) string {
	if value == "99999" {
		return "Bad port '99999'."
	}
	return ""
}

func (v *fakeInventory) Sharing(name string) []api.Edit {
	return []api.Edit{api.SetOption{Host: name, Keyword: "ControlMaster", Value: "auto"}}
}

// Propose has one change, and refuses what names a tag "no".
func (v *fakeInventory) Propose(_ context.Context, edits ...api.Edit) (*api.Change, error) {
	for _, e := range edits {
		if tags, ok := e.(api.SetTags); ok && slices.Contains(tags.Tags, "no") {
			return nil, &api.Error{Message: `"no" is a tag of "targaryen" by a Tag line of its block`, Hints: []string{"take that line away: sallyport host edit targaryen --unset Tag"}}
		}
	}
	return &api.Change{
		File:   configFile,
		Before: []byte("Host targaryen\n\tHostName 10.0.0.5\n\tUser dany\n\nHost *\n"),
		After:  []byte("Host targaryen\n\tHostName 10.0.0.5\n\tUser drogon\n\tPort 2222\n\nHost *\n"),
	}, nil
}

// targaryenForm is what there is to edit of a host.
func targaryenForm() api.Form {
	own := func(key, value, comment string, line int) api.FormLine {
		return api.FormLine{Keyword: key, Setting: api.Setting{Key: key, Value: value, Comment: comment, Line: line}, Origin: at(line, "Host targaryen")}
	}
	shared := func(key, value string, line int) api.FormLine {
		return api.FormLine{Keyword: key, Setting: api.Setting{Key: key, Value: value, Line: line}, Origin: at(line, "Host *"), Locked: `"Host *" is for other hosts, too`}
	}
	f := api.Form{
		Host: "targaryen", File: configFile, Line: 13, Tags: []string{"gpu", "course"},
		Lines: []api.FormLine{
			own("HostName", "10.0.0.5", "in the rack at the left", 14), own("User", "dany", "", 15),
			own("IdentityFile", "~/.ssh/id_ecdsa", "", 16), own("LocalForward", "8080 targaryen:8080", "", 17),
			own("LocalForward", "8888 localhost:8888", "", 18), own("DynamicForward", "1080", "", 19), own("ProxyJump", "got-bastion", "", 20),
			shared("Compression", "yes", 41), shared("ServerAliveInterval", "60", 42),
		},
		Keywords: []api.Keyword{
			{Name: "User", Help: "The login name on the server.", Format: "a word"},
			{Name: "HostName", Help: "The real name or address to connect to.", Format: "a name or an address"},
			{Name: "Port", Help: "The TCP port on which the server listens.", Format: "a number from 1 to 65535"},
			{Name: "Compression", Help: "Compresses everything that is sent. Good on slow lines, a brake on fast ones.", Format: "yes or no", Choices: []string{"yes", "no"}},
			{Name: "TCPKeepAlive", Help: "Lets the operating system notice a dead connection, after hours. ServerAliveInterval is quicker.", Format: "yes or no", Choices: []string{"yes", "no"}},
			{Name: "ServerAliveInterval", Help: "After how much silence the server is asked for a sign of life; 0 never asks.", Format: "seconds, or a time with units: 90, 5m, 1h30m"},
			{Name: "Tag", Help: "A label that Match tagged lines can test.", Format: "a word", Lacking: "needs OpenSSH 9.4; the ssh of this computer is 9.2"},
			{Name: "LocalForward", Help: "Makes a service that the server can reach appear on a port of this computer.", Format: "[bind:]port host:port", Several: true},
			{Name: "DynamicForward", Help: "A SOCKS proxy on this computer.", Format: "[bind:]port", Several: true},
			{Name: "IdentityFile", Help: "A private key to log in with.", Format: "a path", Several: true},
			{Name: "ProxyJump", Help: "The hosts to go through on the way.", Format: "[user@]host[:port] with commas between, or none"},
		},
		InForce: map[string][]api.Option{
			"Port":         {{Key: "Port", Value: "22"}},
			"TCPKeepAlive": {{Key: "TCPKeepAlive", Value: "yes"}},
		},
	}
	for _, l := range f.Lines {
		f.InForce[l.Keyword] = append(f.InForce[l.Keyword], api.Option{Key: l.Keyword, Value: l.Value, Origin: l.Origin})
	}
	return f
}

func (v *fakeInventory) Forwards() []api.HostForwards {
	var all []api.HostForwards
	for _, name := range v.names {
		if list := v.details[name].Forwards; list != nil {
			all = append(all, api.HostForwards{Host: name, Forwards: list})
		}
	}
	return all
}

func (v *fakeInventory) Check(rest func()) []api.Finding {
	for range v.names {
		rest()
	}
	if v.check != nil {
		<-v.check
	}
	v.checked.Store(true)
	return nil
}

func (v *fakeInventory) Host(name string) api.Host {
	if h, ok := v.hosts[name]; ok {
		return h
	}
	return api.Host{Name: name, HostName: name, User: "dany", Port: 22}
}

func (v *fakeInventory) Detail(name string) api.Detail {
	d, ok := v.details[name]
	if !ok {
		d.Chain = []api.Hop{{Name: name, Address: "dany@" + name + ":22"}}
	}
	d.Host = v.Host(name)
	if v.checked.Load() {
		d.Problems = append(slices.Clone(d.Problems), v.mistakes[name]...)
	}
	return d
}

func at(line int, block string) api.Origin {
	return api.Origin{File: configFile, Line: line, Block: block}
}

func tcp(host string, port int) api.Address {
	return api.Address{Network: "tcp", Host: host, Port: port}
}

func local(port int, host string, to int) api.TunnelSpec {
	return api.TunnelSpec{Kind: "L", Listen: tcp("", port), Connect: tcp(host, to)}
}

func via(name, hostname, user string, hops ...string) api.Host {
	return api.Host{Name: name, HostName: hostname, User: user, Port: 22, Via: hops}
}

// westeros is the configuration of most tests.
func westeros() *fakeInventory {
	v := &fakeInventory{hosts: map[string]api.Host{}, details: map[string]api.Detail{}}
	for _, h := range []api.Host{
		via("got-bastion", "193.48.1.7", "dany"),
		via("targaryen", "10.0.0.5", "dany", "got-bastion"),
		via("tyrell", "tyrell.example.org", "margaery"),
		via("martell", "10.0.0.9", "oberyn", "got-bastion"),
		via("spirit1", "spirit1.ipsl.fr", "jdoe"),
		via("jean-zay", "jean-zay.idris.fr", "rech042", "spirit1"),
		via("ens", "ssh.ens.fr", "jdoe"),
		via("work-ens", "129.199.12.4", "jdoe", "ens"),
		via("behind-socks", "intra.example.org", "jdoe", "⟨nc -X 5 -x localhost:1080 …⟩"),
		via("far-away", "10.9.8.7", "jdoe", "ens", "work-ens", "got-bastion"),
		via("crab", "crab.example.org", "jdoe"),
	} {
		v.names = append(v.names, h.Name)
		v.hosts[h.Name] = h
	}
	h := v.hosts["targaryen"]
	h.Comment, h.Tags = "the machine with Jupyter on it", []string{"gpu", "course"}
	v.hosts["targaryen"] = h
	v.details["targaryen"] = api.Detail{
		Chain: []api.Hop{{Name: "got-bastion", Address: "dany@193.48.1.7:22"}, {Name: "targaryen", Address: "dany@10.0.0.5:22"}},
		Forwards: []api.Forward{
			{ID: "t8080", Spec: local(8080, "targaryen", 8080), Origin: at(17, "Host targaryen")},
			{ID: "t8888", Spec: local(8888, "localhost", 8888), Origin: at(18, "Host targaryen")},
			{ID: "t1080", Spec: api.TunnelSpec{Kind: "D", Listen: tcp("", 1080)}, Origin: at(19, "Host targaryen")},
		},
		Options: []api.Option{
			{Key: "HostName", Value: "10.0.0.5", Origin: at(14, "Host targaryen")},
			{Key: "User", Value: "dany", Origin: at(15, "Host targaryen")},
			{Key: "IdentityFile", Value: "~/.ssh/id_ecdsa", Origin: at(16, "Host targaryen")},
			{Key: "LocalForward", Value: "8080 targaryen:8080", Origin: at(17, "Host targaryen")},
			{Key: "LocalForward", Value: "8888 localhost:8888", Origin: at(18, "Host targaryen")},
			{Key: "DynamicForward", Value: "1080", Origin: at(19, "Host targaryen")},
			{Key: "ProxyJump", Value: "got-bastion", Origin: at(20, "Host targaryen")},
			{Key: "Compression", Value: "yes", Origin: at(41, "Host *")},
			{Key: "ServerAliveInterval", Value: "60", Origin: at(42, "Host *")},
		},
	}
	v.details["got-bastion"] = api.Detail{
		Chain:    []api.Hop{{Name: "got-bastion", Address: "dany@193.48.1.7:22"}},
		Forwards: []api.Forward{{ID: "b8080", Spec: local(8080, "targaryen", 8080), Origin: at(5, "Host got-bastion")}},
		Options:  []api.Option{{Key: "HostName", Value: "193.48.1.7", Origin: at(3, "Host got-bastion")}},
	}
	v.details["jean-zay"] = api.Detail{
		Chain:    []api.Hop{{Name: "spirit1", Address: "jdoe@spirit1.ipsl.fr:22"}, {Name: "jean-zay", Address: "rech042@jean-zay.idris.fr:22"}},
		Options:  []api.Option{{Key: "ProxyCommand", Value: "ssh spirit1 -W %h:%p", Origin: at(30, "Host jean-zay")}},
		Problems: []api.Problem{{Origin: at(33, "Match exec \"on-vpn\""), Message: "Match exec is only tried when the host is opened; it may change this host"}},
	}
	v.details["behind-socks"] = api.Detail{
		Chain:   []api.Hop{{Name: "behind-socks", Address: "jdoe@intra.example.org:22", Command: "nc -X 5 -x localhost:1080 intra.example.org 22"}},
		Options: []api.Option{{Key: "ProxyCommand", Value: "nc -X 5 -x localhost:1080 %h %p", Origin: at(50, "Host behind-socks")}},
	}
	v.details["far-away"] = api.Detail{Chain: []api.Hop{
		{Name: "ens", Address: "jdoe@ssh.ens.fr:22"}, {Name: "work-ens", Address: "jdoe@129.199.12.4:22"},
		{Name: "got-bastion", Address: "dany@193.48.1.7:22"}, {Name: "far-away", Address: "jdoe@10.9.8.7:22"},
	}}
	return v
}

func link(id, host, on string, state api.LinkState) api.Link {
	return api.Link{ID: id, Host: host, Config: configFile, Via: on, State: state, Since: morning}
}

// afternoon is a world in which much goes on.
func afternoon() api.Snapshot {
	bastion := link("l1", "got-bastion", "", api.LinkUp)
	bastion.Latency = 12 * time.Millisecond
	inner := link("l2", "targaryen", "l1", api.LinkUp)
	inner.Latency = 13 * time.Millisecond
	martell := link("l3", "martell", "l1", api.LinkConnecting)
	martell.Step, martell.Since = "publickey ~/.ssh/id_ed25519", morning.Add(-3*time.Second)
	spirit := link("l4", "spirit1", "", api.LinkUp)
	jz := link("l5", "jean-zay", "l4", api.LinkAsking)
	ens := link("l6", "ens", "", api.LinkFailed)
	ens.Failure = &api.Failure{Code: "auth", Message: `connecting to "ens": the server accepts none of your keys (publickey)`, Hint: "ssh-copy-id ens", Hop: "ens"}
	work := link("l7", "work-ens", "l6", api.LinkFailed)
	work.Failure = &api.Failure{Code: "auth", Message: `connecting to "work-ens" via "ens": the server accepts none of your keys (publickey)`, Hint: "ssh-copy-id ens", Hop: "ens"}
	crab := link("l8", "crab", "", api.LinkWaiting)
	return api.Snapshot{
		Daemon: api.DaemonStatus{PID: 4100},
		Links:  []api.Link{bastion, inner, martell, spirit, jz, ens, work, crab},
		Tunnels: []api.Tunnel{
			{ID: "t8080", Host: "targaryen", Config: configFile, Link: "l2", Spec: local(8080, "targaryen", 8080), State: api.TunnelUp, Open: 3, Total: 17, Sent: 12_345, Received: 3_456_789},
			{ID: "t1080", Host: "targaryen", Config: configFile, Link: "l2", Spec: api.TunnelSpec{Kind: "D", Listen: tcp("", 1080)}, State: api.TunnelUp},
			{ID: "b8080", Host: "got-bastion", Config: configFile, Link: "l1", Spec: local(8080, "targaryen", 8080), State: api.TunnelBusy,
				Failure: &api.Failure{Code: "busy", Message: "port 8080 is used by python3 (pid 811)", Hint: "port 8081 is free"}},
		},
		Sessions: []api.Session{
			{ID: "s1", Host: "targaryen", Config: configFile, Link: "l2", PTY: true, State: api.SessionRunning, Since: morning.Add(-125 * time.Minute)},
			{ID: "s2", Host: "targaryen", Config: configFile, Link: "l2", Command: "squeue -u dany", State: api.SessionRunning, Since: morning.Add(-20 * time.Second)},
		},
		Log: []api.Entry{
			{Time: morning.Add(-9 * time.Second), Host: "got-bastion", Message: "connected to dany@193.48.1.7:22 with ~/.ssh/id_ecdsa"},
			{Time: morning.Add(-8 * time.Second), Host: "targaryen", Message: "tunnel L 8080:targaryen:8080 is up"},
			{Time: morning.Add(-2 * time.Second), Host: "work-ens", Message: `connecting to "work-ens" via "ens": the server accepts none of your keys (publickey)`, Hint: "ssh-copy-id ens"},
		},
	}
}

func passwordQuestion() api.Question {
	return api.Question{ID: "q1", Link: "l5", Kind: api.AskPassword, Host: "jean-zay", Goal: "jean-zay", Address: "rech042@jean-zay.idris.fr:22",
		Hop: 2, Hops: 2, Title: "Password of rech042 on jean-zay", Prompts: []api.Prompt{{Text: "Password:"}}, Try: 1}
}

// keepable is a question whose answer may be kept.
func keepable(q api.Question) api.Question {
	q.MayKeep = true
	return q
}

func shareQuestion() api.Question {
	return api.Question{ID: "q5", Link: "l2", Kind: api.AskShare, Host: "targaryen", Goal: "targaryen", Address: "dany@10.0.0.5:22",
		Hop: 2, Hops: 2, Title: "Allow shared connection to targaryen?", Choices: []string{api.AcceptOnce, api.Refuse}, Try: 1}
}

func addKeyQuestion() api.Question {
	return api.Question{ID: "q4", Link: "l5", Kind: api.AskAddKey, Host: "jean-zay", Goal: "jean-zay", Address: "rech042@jean-zay.idris.fr:22",
		Hop: 2, Hops: 2, Title: "Add key ~/.ssh/id_idris (rech042@laptop) to agent?", Choices: []string{api.AddKey, api.Refuse}, File: "/home/dany/.ssh/id_idris", Try: 1}
}

func codeQuestion() api.Question {
	return api.Question{ID: "q2", Link: "l5", Kind: api.AskInteractive, Host: "jean-zay", Goal: "jean-zay", Address: "rech042@jean-zay.idris.fr:22",
		Hop: 2, Hops: 2, FromServer: true, Instruction: "Second factor\nEnter your LDAP password and the code of your token.\nHelp: assist@idris.fr",
		Prompts: []api.Prompt{{Text: "Password: "}, {Text: "Verification code: ", Echo: true}}, Try: 2}
}

const art = `+--[ED25519 256]--+
|  .o+=*=*+       |
| . o=+O=B..      |
|. . ++oX.o       |
| o   .= * .      |
|  .    oS+       |
|        o        |
|       . .       |
|        E        |
|                 |
+----[SHA256]-----+`

func hostKeyQuestion() api.Question {
	return api.Question{ID: "q3", Link: "l5", Kind: api.AskHostKey, Host: "jean-zay", Goal: "jean-zay", Address: "rech042@jean-zay.idris.fr:22",
		Hop: 2, Hops: 2, Title: "The host key of jean-zay.idris.fr:22 is not known.",
		Choices: []string{api.AcceptAndRemember, api.AcceptOnce, api.Refuse}, Try: 1,
		HostKey: &api.HostKey{Type: "ED25519", Fingerprint: "SHA256:MENnGbrKf3MA+qJqq5h1BSPVhqTDVFscU6bEzdP/Vv8", Art: art,
			Note: "This host key is known by the following other names/addresses:\n    ~/.ssh/known_hosts:7: [hashed name]\n    ~/.ssh/known_hosts:9: jean-zay3.idris.fr,130.84.132.20"}}
}

// fakeShell is a shell that waits for the test.
type fakeShell struct {
	ready  chan error // Ready's answer
	exit   chan api.Exit
	closed chan struct{}
	once   sync.Once
	attach func()
}

func newFakeShell() *fakeShell {
	return &fakeShell{ready: make(chan error, 1), exit: make(chan api.Exit, 1), closed: make(chan struct{})}
}

func (f *fakeShell) Ready(ctx context.Context) error {
	select {
	case err := <-f.ready:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *fakeShell) Attach(ctx context.Context) (api.Exit, error) {
	if f.attach != nil {
		f.attach()
	}
	select {
	case e := <-f.exit:
		return e, nil
	case <-ctx.Done():
		return api.Exit{Status: 255}, context.Cause(ctx)
	}
}

func (f *fakeShell) Close() error { f.once.Do(func() { close(f.closed) }); return nil }

// fake is a backend in the hands of a test.
type fake struct {
	inv    func() *fakeInventory
	read   func() inventory // in place of inv
	save   func(context.Context, *api.Change) error
	events chan api.Event
	shell  *fakeShell
	record api.TunnelRecord
	named  bool // the configuration was named by -F

	servers   string        // what JupyterScript writes
	looked    chan struct{} // closed when Jupyter may answer; nil at once
	listeners chan []api.Listener
	breaks    chan error // of the connection under a look around

	visit *fakeVisit

	mu    sync.Mutex
	calls []string
	fails map[string]error // by the first word of a call
}

func newFake() *fake {
	return &fake{inv: westeros, events: make(chan api.Event), shell: newFakeShell(), listeners: make(chan []api.Listener), breaks: make(chan error), fails: map[string]error{}}
}

func (f *fake) Follow(ctx context.Context, take func(api.Event)) {
	for {
		select {
		case e := <-f.events:
			take(e)
		case <-ctx.Done():
			return
		}
	}
}

func (f *fake) called(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := fmt.Sprintf(format, args...)
	f.calls = append(f.calls, call)
	word, _, _ := strings.Cut(call, " ")
	return f.fails[word]
}

func (f *fake) SetTunnel(_ context.Context, r api.TunnelRequest) (api.Tunnel, error) {
	call := fmt.Sprintf("tunnel %s %d %v", r.Target.Host, r.Spec.Listen.Port, r.Up)
	if r.Once {
		call += " once"
	}
	return api.Tunnel{}, f.called("%s", call)
}

// Tunnel has one record, whichever is asked for.
func (f *fake) Tunnel(_ context.Context, id string) (api.TunnelRecord, error) {
	return f.record, f.called("record %s", id)
}

func (f *fake) Browse(_ context.Context, url string) error { return f.called("browse %s", url) }

func (f *fake) BrowseInPrivate(_ context.Context, url string) error {
	return f.called("private %s", url)
}

// Jupyter finds what the test has put in the place that is asked.
func (f *fake) Jupyter(ctx context.Context, host, node string, broken func(error)) ([]api.JupyterServer, []string, error) {
	if err := f.called("jupyter %s %s", host, node); err != nil {
		return nil, nil, err
	}
	for f.looked != nil {
		select {
		case err := <-f.breaks:
			broken(err)
			continue
		case <-f.looked:
		case <-ctx.Done(): // it answers all the same, as one who has answered already
			f.called("jupyter %s left", host)
		}
		break
	}
	out := []byte(f.servers)
	return api.ParseJupyter(out, node), api.JupyterNodes(out), nil
}

func (f *fake) Ports(ctx context.Context, host string, take func([]api.Listener), broken func(error)) error {
	if err := f.called("ports %s", host); err != nil {
		return err
	}
	for {
		select {
		case list := <-f.listeners:
			take(list)
		case err := <-f.breaks:
			broken(err)
		case <-ctx.Done():
			return f.called("ports %s left", host)
		}
	}
}

// ForwardTo finds the port that is asked for taken.
func (f *fake) ForwardTo(_ context.Context, t api.Target, to api.Address, port int) (api.Tunnel, error) {
	err := f.called("forward %s %s", t.Host, to)
	return api.Tunnel{Spec: local(port+1, to.Host, to.Port)}, err
}

func (f *fake) ForwardJupyter(ctx context.Context, t api.Target, s api.JupyterServer) (api.Tunnel, error) {
	return f.ForwardTo(ctx, t, tcp(s.Host, s.Port), s.Port)
}

func (f *fake) Answer(_ context.Context, id string, a api.Answer) error {
	call := fmt.Sprintf("answer %s %q %s", id, a.Texts, a.Choice)
	if a.Keep {
		call += "keep"
	}
	return f.called("%s", call)
}

func (f *fake) EndSession(_ context.Context, id string) error { return f.called("end %s", id) }
func (f *fake) Log(_ context.Context, id string, to api.SessionLog) error {
	return f.called("log %s %s", id, to.Path)
}
func (f *fake) StopLog(_ context.Context, id string) error { return f.called("end the log of %s", id) }
func (f *fake) EndMaster(_ context.Context, path string, pid int) error {
	return f.called("exit %s %d", path, pid)
}
func (f *fake) StopMaster(_ context.Context, path string, pid int) error {
	return f.called("stop %s %d", path, pid)
}
func (f *fake) CheckMaster(_ context.Context, path string, pid int) error {
	return f.called("check %s %d", path, pid)
}
func (f *fake) Borrow(_ context.Context, r api.BorrowRequest) (api.Borrowed, error) {
	does := "cancel"
	if r.Up {
		does = "open"
	}
	return r.Borrowed(), f.called("%s %s %d %s", does, r.Path, r.PID, r.Spec)
}

func (f *fake) MendKey(path string, finding api.KeyFinding) error {
	return f.called("mend %s %s", path, finding.Rule)
}

func (f *fake) HoldKey(ctx context.Context, k *api.KeyPair, ask api.Interview) error {
	a, _ := ask(ctx, api.Question{Kind: api.AskPassphrase, Host: k.Path, File: k.Path, Title: "The key is locked.", Prompts: []api.Prompt{{Text: "Passphrase"}}, Try: 1})
	return f.called("hold %s %q", k.Path, a.Texts)
}

func (f *fake) ForgetKey(_ context.Context, k *api.KeyPair) error {
	return f.called("forget %s", k.Comment)
}

func (f *fake) MakeKey(spec api.KeySpec, path string, passphrase []byte) (*api.MadeKey, error) {
	err := f.called("make %s %d %q %q %q", spec.Type, spec.Bits, spec.Comment, path, passphrase)
	return &api.MadeKey{Facts: &sshkeys.Facts{Path: keyHome + "id_" + spec.Type}}, err
}

func (f *fake) ImportKey(ctx context.Context, ppk string, ask api.Interview) (*api.MadeKey, error) {
	a, _ := ask(ctx, api.Question{Kind: api.AskPassphrase, Host: ppk, File: ppk, Title: "The key is locked.", Prompts: []api.Prompt{{Text: "Passphrase"}}, Try: 1})
	err := f.called("import %s %q", ppk, a.Texts)
	return &api.MadeKey{Facts: &sshkeys.Facts{Path: keyHome + "cluster"}}, err
}

// InstallKey succeeds, unless the test has it fail: then the site has the say.
func (f *fake) InstallKey(_ context.Context, host, path string, _ api.Interview) api.Installation {
	if err := f.called("install %s %s", path, host); err != nil {
		return api.Installation{Host: host, State: api.KeyFailed, Line: edLine, Error: api.AsError(err)}
	}
	return api.Installation{Host: host, State: api.KeyInstalled, Login: api.LoginProved}
}

func (f *fake) WriteReport(name, text string) error {
	return f.called("write %s %q", filepath.Base(name), text)
}

func (f *fake) Visit(host string, ask api.Interview) (visit, error) {
	v := &fakeVisit{fake: f, news: make(chan api.VisitNews), ask: ask}
	f.mu.Lock()
	f.visit = v
	f.mu.Unlock()
	return v, f.called("visit %s", host)
}

func (f *fake) RemoveStale(path string) error { return f.called("remove %s", path) }

func (f *fake) Cancel(_ context.Context, id string) error    { return f.called("cancel %s", id) }
func (f *fake) CloseLink(_ context.Context, id string) error { return f.called("close %s", id) }
func (f *fake) Target(host string) api.Target {
	return api.Target{Host: host, Config: configFile, Explicit: f.named}
}

func (f *fake) Edit(_ context.Context, file string, line int) error {
	return f.called("edit %s:%d", file, line)
}

func (f *fake) Read() inventory {
	if f.read != nil {
		return f.read()
	}
	return f.inv()
}

func (f *fake) Save(ctx context.Context, c *api.Change) error {
	if err := f.called("save %s", c.File); err != nil || f.save == nil {
		return err
	}
	return f.save(ctx, c)
}

func (f *fake) Start(_ context.Context, host string) (shell, error) {
	if err := f.called("start %s", host); err != nil {
		return nil, err
	}
	return f.shell, nil
}

func (f *fake) View(_ context.Context, of api.Session) (shell, error) {
	if err := f.called("view %s", of.Name); err != nil {
		return nil, err
	}
	return f.shell, nil
}

func (f *fake) InWindow(_ context.Context, host string) error { return f.called("window %s", host) }

func (f *fake) Keep(_ context.Context, host string) (shell, error) {
	if err := f.called("keep on %s", host); err != nil {
		return nil, err
	}
	return f.shell, nil
}

func (f *fake) Rejoin(_ context.Context, of api.Session) (shell, error) {
	if err := f.called("rejoin %s of %s", of.KeptAs.Name, of.Host); err != nil {
		return nil, err
	}
	return f.shell, nil
}

// fakeVisit is one of the doctor in the hands of a test.
type fakeVisit struct {
	*fake
	news chan api.VisitNews
	ask  api.Interview
}

func (v *fakeVisit) Attend(ctx context.Context, take func(api.VisitNews)) {
	for {
		select {
		case n := <-v.news:
			take(n)
		case <-ctx.Done():
			v.called("left")
			return
		}
	}
}

func (v *fakeVisit) Mend(_ context.Context, f api.DoctorFinding) error {
	return v.called("mend %s", f.Check)
}

func (v *fakeVisit) Report(context.Context) (string, error) {
	return "Report of sallyport on the connection to martell\n\n$ date\nMon, 02 Mar 2026 09:30:00 +0000\n", v.called("report")
}

// stage is the real application on a simulated terminal.
type stage struct {
	*testing.T
	*fake
	term *recordedScreen
	done chan error
	stop context.CancelFunc
	over bool
}

// perform runs the screen; the test's end ends it.
func perform(t *testing.T, f *fake, w, h int, o Options) *stage {
	t.Helper()
	term := newRecordedScreen(w, h)
	o.Screen, o.now = term, func() time.Time { return morning }
	ctx, stop := context.WithCancel(context.Background())
	st := &stage{T: t, fake: f, term: term, done: make(chan error, 1), stop: stop}
	go func() { st.done <- run(ctx, f, o) }()
	t.Cleanup(func() {
		stop()
		st.ended()
	})
	return st
}

// recordedScreen is a simulated terminal that has its size from the start and
// can be read while it is drawn on.
type recordedScreen struct {
	tcell.SimulationScreen
	w, h int

	mu     sync.Mutex
	cells  []tcell.SimCell // as of the last Show
	frames int
}

func newRecordedScreen(w, h int) *recordedScreen {
	return &recordedScreen{SimulationScreen: tcell.NewSimulationScreen("UTF-8"), w: w, h: h, cells: make([]tcell.SimCell, w*h)}
}

func (r *recordedScreen) Init() error {
	err := r.SimulationScreen.Init()
	r.SimulationScreen.SetSize(r.w, r.h)
	return err
}

func (r *recordedScreen) Show() {
	r.SimulationScreen.Show()
	content, w, h := r.SimulationScreen.GetContents()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cells, r.w, r.h = append([]tcell.SimCell(nil), content...), w, h
	r.frames++
}

// GetContents is what the last Show showed.
func (r *recordedScreen) GetContents() ([]tcell.SimCell, int, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cells, r.w, r.h
}

// shown counts the frames so far.
func (r *recordedScreen) shown() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.frames
}

// ended waits until Run has returned.
func (st *stage) ended() {
	st.Helper()
	if st.over {
		return
	}
	select {
	case err := <-st.done:
		if st.over = true; err != nil {
			st.Errorf("the screen ended with: %v", err)
		}
	case <-time.After(time.Minute):
		st.Fatal("the screen did not end")
	}
}

// until waits for a condition.
func (st *stage) until(what string, is func() bool) {
	st.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			st.Fatalf("waited in vain for %s; calls %q, screen:\n%s", what, st.made(), st.text())
		}
	}
}

func (st *stage) sees(texts ...string) {
	st.Helper()
	for _, text := range texts {
		st.until(fmt.Sprintf("%q on the screen", text), func() bool { return strings.Contains(st.text(), text) })
	}
}

func (st *stage) loses(text string) {
	st.Helper()
	st.until(fmt.Sprintf("%q to go", text), func() bool { return !strings.Contains(st.text(), text) })
}

func (st *stage) expects(call string) {
	st.Helper()
	st.until("the call "+call, func() bool {
		for _, c := range st.made() {
			if c == call {
				return true
			}
		}
		return false
	})
}

func (st *stage) made() []string {
	st.mu.Lock()
	defer st.mu.Unlock()
	return append([]string(nil), st.calls...)
}

// text is what can be read on the screen.
func (st *stage) text() string {
	content, w, h := st.term.GetContents()
	var b strings.Builder
	for y := range h {
		var row strings.Builder
		for x := 0; x < w; x++ {
			c := content[y*w+x]
			row.WriteString(string(c.Runes))
			if len(c.Runes) > 0 && cells(string(c.Runes)) == 2 {
				x++
			}
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}

// keys presses keys: names as in the table, anything else letter by letter.
func (st *stage) keys(names ...string) {
	special := map[string]tcell.Key{"Enter": tcell.KeyEnter, "PgUp": tcell.KeyPgUp, "PgDn": tcell.KeyPgDn, "Esc": tcell.KeyEsc, "Tab": tcell.KeyTab, "Up": tcell.KeyUp, "Down": tcell.KeyDown,
		"Left": tcell.KeyLeft, "Right": tcell.KeyRight, "Backspace": tcell.KeyBackspace2, "Ctrl-C": tcell.KeyCtrlC, "Ctrl-D": tcell.KeyCtrlD, "Ctrl-U": tcell.KeyCtrlU, "Ctrl-S": tcell.KeyCtrlS}
	for _, n := range names {
		if k, ok := special[n]; ok {
			st.term.InjectKey(k, 0, tcell.ModNone)
			continue
		}
		for _, r := range n {
			if r == '↓' {
				st.term.InjectKey(tcell.KeyDown, 0, tcell.ModNone)
				continue
			}
			st.term.InjectKey(tcell.KeyRune, r, tcell.ModNone)
		}
	}
}

// paste is what a terminal sends for a text that is pasted, or for a file that
// is dropped on it.
func (st *stage) paste(text string) {
	st.Helper()
	st.term.PostEventWait(tcell.NewEventPaste(true))
	st.keys(text)
	st.term.PostEventWait(tcell.NewEventPaste(false))
}

func (st *stage) event(e api.Event) {
	st.Helper()
	select {
	case st.events <- e:
	case <-time.After(time.Minute):
		st.Fatal("the screen takes no events")
	}
}

func (st *stage) snapshot(s api.Snapshot) { st.Helper(); st.event(api.Event{Snapshot: &s}) }

var errRefused = errors.New("connection refused")

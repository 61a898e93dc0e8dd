package ui

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"sallyport/api"
)

// backend is what the screen needs of the world. All calls may take long and
// are made outside the loop.
type backend interface {
	Follow(ctx context.Context, f func(api.Event))
	SetTunnel(ctx context.Context, r api.TunnelRequest) (api.Tunnel, error)
	Tunnel(ctx context.Context, id string) (api.TunnelRecord, error)
	// ForwardTo and ForwardJupyter open a tunnel on the next free port.
	ForwardTo(ctx context.Context, t api.Target, to api.Address, port int) (api.Tunnel, error)
	ForwardJupyter(ctx context.Context, t api.Target, s api.JupyterServer) (api.Tunnel, error)
	Answer(ctx context.Context, id string, a api.Answer) error
	Cancel(ctx context.Context, id string) error
	CloseLink(ctx context.Context, id string) error
	EndSession(ctx context.Context, id string) error
	// Log has the output of a shell go to a file, whose path begins where we
	// were started; StopLog ends that.
	Log(ctx context.Context, id string, to api.SessionLog) error
	StopLog(ctx context.Context, id string) error
	EndMaster(ctx context.Context, path string, pid int) error
	StopMaster(ctx context.Context, path string, pid int) error
	CheckMaster(ctx context.Context, path string, pid int) error
	// Borrow is for a master's own forwards.
	Borrow(ctx context.Context, r api.BorrowRequest) (api.Borrowed, error)
	RemoveStale(path string) error
	// MendKey does what the fix of a finding about a key says.
	MendKey(path string, f api.KeyFinding) error
	// HoldKey gives a key to the agent and asks by ask; ForgetKey takes it out.
	HoldKey(ctx context.Context, k *api.KeyPair, ask api.Interview) error
	ForgetKey(ctx context.Context, k *api.KeyPair) error
	// MakeKey makes a key pair in a file, "" for the one that ssh looks for.
	MakeKey(spec api.KeySpec, path string, passphrase []byte) (*api.MadeKey, error)
	// ImportKey makes a key file of PuTTY one of OpenSSH, and asks by ask.
	ImportKey(ctx context.Context, ppk string, ask api.Interview) (*api.MadeKey, error)
	// InstallKey lets the key of a file log in on a host, and asks by ask.
	InstallKey(ctx context.Context, host, path string, ask api.Interview) api.Installation
	// Visit prepares a visit of the doctor to a host, who asks by ask.
	Visit(host string, ask api.Interview) (visit, error)
	// WriteReport writes a report into a new file.
	WriteReport(name, text string) error

	// Read reads the configuration (again).
	Read() inventory
	// Target completes an alias.
	Target(host string) api.Target
	// Edit gives the terminal to an editor until it ends.
	Edit(ctx context.Context, file string, line int) error
	// Browse opens a page in the person's browser.
	Browse(ctx context.Context, url string) error
	// BrowseInPrivate is Browse for an address with a secret in it.
	BrowseInPrivate(ctx context.Context, url string) error
	// InWindow opens a shell on a host in another window.
	InWindow(ctx context.Context, host string) error
	// Jupyter finds the servers on a host, or on a node that it reaches, and
	// the nodes of the user's jobs. It goes on after a break of the connection,
	// of which broken is told.
	Jupyter(ctx context.Context, host, node string, broken func(error)) (servers []api.JupyterServer, nodes []string, err error)
	// Ports gives f what listens on a host, again and again until ctx ends. It
	// goes on as Jupyter does.
	Ports(ctx context.Context, host string, f func([]api.Listener), broken func(error)) error
	// Save writes a change of the configuration.
	Save(ctx context.Context, c *api.Change) error
	// Start asks for a shell on a host.
	Start(ctx context.Context, host string) (shell, error)
	// View comes back to a shell that is kept.
	View(ctx context.Context, of api.Session) (shell, error)
	// Keep opens a shell that a program on its host keeps when the connection
	// is gone, or comes back to it.
	Keep(ctx context.Context, host string) (shell, error)
	// Rejoin comes back to one that a program on its host keeps, by a
	// connection that may be a new one.
	Rejoin(ctx context.Context, of api.Session) (shell, error)
}

// inventory is what the screen needs of *api.Inventory. Names is cheap; the
// rest is called outside the loop.
type inventory interface {
	Path() string
	Missing() bool
	Names() []string
	Host(name string) api.Host
	Detail(name string) api.Detail
	// Forwards are those of all hosts.
	Forwards() []api.HostForwards
	Problems() []api.Problem
	// Form is what can be edited of a host, "" for a new one.
	Form(name string) api.Form
	// Judge is why ssh would refuse a value; quick enough for the loop.
	Judge(keyword, value string) string
	// Sharing are the edits after which ssh shares a host's connection.
	Sharing(name string) []api.Edit
	// Propose proves edits, and gives what they would make of the file.
	Propose(ctx context.Context, edits ...api.Edit) (*api.Change, error)
	// Check looks for mistakes, which Detail then has; it may take a second,
	// and calls rest, which may wait, between two hosts.
	Check(rest func()) []api.Finding
	// FollowMasters tells of the masters of ssh, and of each change.
	FollowMasters(ctx context.Context, f func([]api.Master))
	// FollowKeys tells of all keys, and of each change.
	FollowKeys(ctx context.Context, socket string, f func(*api.Keyring, error))
	// WaitForChange returns when the files are not as they were read.
	WaitForChange(ctx context.Context) error
}

// visit is one run of the doctor.
type visit interface {
	// Attend tells f of all that happens, until ctx ends.
	Attend(ctx context.Context, f func(api.VisitNews))
	// Mend does what the fix of a finding says, while Attend goes on.
	Mend(ctx context.Context, f api.DoctorFinding) error
	// Report is what a help desk asks for.
	Report(ctx context.Context) (string, error)
}

// shell is a session on its way or running.
type shell interface {
	// Ready waits until it runs.
	Ready(ctx context.Context) error
	// Attach gives it the terminal until it ends.
	Attach(ctx context.Context) (api.Exit, error)
	Close() error
}

// real is the backend that Options describe.
type real struct {
	*api.Client
	o Options
}

func (r real) Read() inventory               { return r.o.Read() }
func (r real) Target(host string) api.Target { return r.o.Target(host) }

func (r real) Edit(ctx context.Context, file string, line int) error {
	return r.o.Edit(ctx, file, line)
}

func (r real) Browse(ctx context.Context, url string) error { return r.o.Browse(ctx, url) }

func (r real) EndMaster(ctx context.Context, path string, pid int) error {
	return api.EndMaster(ctx, path, pid)
}

func (r real) StopMaster(ctx context.Context, path string, pid int) error {
	return api.StopMaster(ctx, path, pid)
}

func (r real) CheckMaster(ctx context.Context, path string, pid int) error {
	return api.CheckMaster(ctx, path, pid)
}

func (r real) RemoveStale(path string) error { return api.RemoveStale(path) }

func (r real) Log(ctx context.Context, id string, to api.SessionLog) (err error) {
	if to.Path, err = filepath.Abs(to.Path); err != nil {
		return err
	}
	return r.Client.Log(ctx, id, to)
}

func (r real) MendKey(path string, f api.KeyFinding) error { return f.Mend(path) }

func (r real) HoldKey(ctx context.Context, k *api.KeyPair, ask api.Interview) error {
	return k.Hold(ctx, agentSocket(), ask)
}

func (r real) ForgetKey(ctx context.Context, k *api.KeyPair) error {
	return k.Forget(ctx, agentSocket())
}

// agentSocket is where the person's agent listens, "" for none.
func agentSocket() string { return os.Getenv("SSH_AUTH_SOCK") }

func (r real) MakeKey(spec api.KeySpec, path string, passphrase []byte) (*api.MadeKey, error) {
	return r.o.MakeKey(spec, path, passphrase)
}

func (r real) ImportKey(ctx context.Context, ppk string, ask api.Interview) (*api.MadeKey, error) {
	return r.o.ImportKey(ctx, ppk, ask)
}

func (r real) InstallKey(ctx context.Context, host, path string, ask api.Interview) api.Installation {
	return r.o.InstallKey(ctx, host, path, ask)
}

func (r real) Visit(host string, ask api.Interview) (visit, error) { return r.o.Visit(host, ask) }

func (r real) WriteReport(name, text string) error { return api.WriteReport(name, text) }

func (r real) BrowseInPrivate(ctx context.Context, url string) error {
	return r.o.BrowseInPrivate(ctx, url)
}

func (r real) InWindow(ctx context.Context, host string) error { return r.o.InWindow(ctx, host) }

func (r real) Jupyter(ctx context.Context, host, node string, broken func(error)) ([]api.JupyterServer, []string, error) {
	var out []byte
	err := r.Look(ctx, r.o.Target(host), broken, func(t *api.Terminal) (err error) {
		out, err = t.Script(ctx, api.JupyterScript)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return api.ParseJupyter(out, node), api.JupyterNodes(out), nil
}

// portsEvery is how long what listens on a host is not looked at between two
// looks, each of which reads the far side's /proc.
const portsEvery = 2 * time.Second

func (r real) Ports(ctx context.Context, host string, f func([]api.Listener), broken func(error)) error {
	return r.Look(ctx, r.o.Target(host), broken, func(t *api.Terminal) error {
		return t.Repeat(ctx, api.ListenersScript, portsEvery, func(out []byte) { f(api.ParseListeners(out)) })
	})
}

func (r real) Save(ctx context.Context, c *api.Change) error { return r.o.Save(ctx, c) }

func (r real) Start(ctx context.Context, host string) (shell, error) {
	return r.shell(r.StartSession(ctx, r.request(host)))
}

func (r real) Keep(ctx context.Context, host string) (shell, error) {
	if err := r.o.MayKeep(host); err != nil {
		return nil, err
	}
	return r.shell(r.Client.Rejoin(ctx, r.request(host), api.KeptAs{Name: api.UsualKeptName}))
}

func (r real) Rejoin(ctx context.Context, of api.Session) (shell, error) {
	return r.shell(r.Client.Rejoin(ctx, r.request(of.Host), *of.KeptAs))
}

// request asks for a shell on a host.
func (r real) request(host string) api.SessionRequest {
	return api.SessionRequest{Target: r.o.Target(host), Spec: r.o.Shell(), Keep: true}
}

func (r real) View(ctx context.Context, of api.Session) (shell, error) {
	return r.shell(r.Client.View(ctx, of, api.SessionView{Size: r.o.Shell().Size, PID: os.Getpid()}))
}

func (r real) shell(t *api.Terminal, err error) (shell, error) {
	if err != nil {
		return nil, err
	}
	return terminal{t, r.o.Attach}, nil
}

type terminal struct {
	*api.Terminal
	attach func(context.Context, *api.Terminal) (api.Exit, error)
}

func (t terminal) Attach(ctx context.Context) (api.Exit, error) { return t.attach(ctx, t.Terminal) }

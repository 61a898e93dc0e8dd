package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sallyport/config"
	"sallyport/transport"
	"sallyport/tunnels"
)

// Inventory is a configuration as a person looks at it: the hosts, the way to
// each, and what was set where. It is read in the process that shows it, so
// that looking needs no background process; it executes nothing.
type Inventory struct {
	cfg     *config.Config
	missing bool
	stamps  stamps

	check    sync.Once
	findings []config.Finding // set by check

	control  sync.Once
	controls map[string]*sharers // set by control: the hosts of each ControlPath

	following sync.Mutex // held by FollowMasters; guards lookout
	lookout   *lookout   // nil before it was called

	using sync.Once
	uses  map[string][]string // set by using: the hosts of each key file

	mu      sync.Mutex                  // guards what follows
	rows    map[string]Host             // rows made so far
	checked map[string][]config.Problem // what was found for each host; nil before Check
}

// Host is a row of the list. All texts but Name are printable; Name is the
// alias itself and must pass through Printable before it is shown.
type Host struct {
	Name     string        `json:"name"`
	Via      []string      `json:"via,omitempty"` // the hops before it, nearest to here first; "⟨nc …⟩" for a ProxyCommand
	HostName string        `json:"hostname"`
	User     string        `json:"user"`
	Port     int           `json:"port"`
	Comment  string        `json:"comment,omitempty"`
	Tags     []string      `json:"tags,omitempty"`
	File     string        `json:"file,omitempty"`    // the included file that names it, without its directory
	Problem  string        `json:"problem,omitempty"` // why it cannot be opened, with file:line
	Origin   config.Origin `json:"origin"`

	// Conditional are the lines that may change the host when it is opened,
	// since looking at it runs no program and looks up no name.
	Conditional []config.Problem `json:"conditional,omitempty"`
}

// Condition is the mark of a host that may be another one when it is opened:
// the line that decides, "≈ config:3". It is "" for most.
func (h Host) Condition() string {
	if len(h.Conditional) == 0 {
		return ""
	}
	at := h.Conditional[0].Origin
	at.File = filepath.Base(at.File)
	return "≈ " + Printable(at.String())
}

// Fields are the texts by which a host can be searched for besides its alias.
func (h Host) Fields() []string {
	return append([]string{h.HostName, h.User, h.Comment, h.File}, h.Tags...)
}

// Hop is one station in the picture of the chain.
type Hop struct {
	Name    string `json:"name"`
	Address string `json:"address"`           // user@host:port
	Command string `json:"command,omitempty"` // the ProxyCommand that leads here, printable
}

// Forward is a forward of the configuration.
type Forward struct {
	ID      string        `json:"id"` // tunnels.Status.ID once it is open
	Spec    tunnels.Spec  `json:"spec"`
	Origin  config.Origin `json:"origin"`
	Problem string        `json:"problem,omitempty"` // it could not be understood
}

// Detail is all that is known of one host without connecting.
type Detail struct {
	Host     Host             `json:"host"`
	Chain    []Hop            `json:"chain"`
	Forwards []Forward        `json:"forwards"`
	Options  []config.Option  `json:"options"`  // those that a file set; values not printable yet
	Problems []config.Problem `json:"problems"` // of this host, each at its line: conditions and, after Check, mistakes
}

// ReadInventory reads a configuration. It always gives an Inventory; what is
// wrong is in Problems.
func ReadInventory(p config.Paths) *Inventory {
	before := stamps{p.User: stampOf(p.User)} // a change while it is read counts as one after
	v := &Inventory{
		cfg:  config.Load(p),
		rows: make(map[string]Host),
	}
	v.stamps = before
	for _, path := range append(v.cfg.Files(), v.cfg.Dirs()...) {
		if _, ok := v.stamps[path]; !ok {
			v.stamps[path] = stampOf(path)
		}
	}
	_, err := os.Stat(p.User)
	v.missing = errors.Is(err, fs.ErrNotExist)
	v.cfg.Names() // listed here, since the screen's loop will ask for them
	return v
}

// Path is the user's file, for messages.
func (v *Inventory) Path() string { return v.cfg.Paths().User }

// Missing tells that the user's file does not exist.
func (v *Inventory) Missing() bool { return v.missing }

// Names lists the aliases in file order. Cheap at any size.
func (v *Inventory) Names() []string { return v.cfg.Names() }

// Problems lists what is wrong with the files as a whole, in reading order.
func (v *Inventory) Problems() []config.Problem { return v.cfg.Problems() }

// Host resolves the row of one alias; kept once made. Safe from several
// goroutines.
func (v *Inventory) Host(name string) Host {
	v.mu.Lock()
	row, ok := v.rows[name]
	v.mu.Unlock()
	if ok {
		return row
	}
	row, _, _ = v.resolve(name)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows[name] = row
	return row
}

// Detail resolves everything about one alias.
func (v *Inventory) Detail(name string) Detail {
	row, host, chain := v.resolve(name)
	d := Detail{Host: row, Problems: slices.Concat(row.Conditional, v.mistakes(name))}
	for _, hop := range chain {
		d.Chain = append(d.Chain, Hop{
			Name:    Printable(hop.Host.Name),
			Address: Printable(transport.Address(hop.Host)),
			Command: Printable(hop.Command),
		})
	}
	for _, f := range host.Forwards() {
		d.Forwards = append(d.Forwards, forward(v.Path(), host, f))
	}
	for o := range host.Options() {
		d.Options = append(d.Options, o)
	}
	return d
}

// Check looks for mistakes in the configuration, once; from then on Detail
// lists those of a host among its Problems. With ten thousand hosts it takes
// about a second; it calls rest between two hosts. Safe from several
// goroutines.
func (v *Inventory) Check(rest func()) []config.Finding {
	v.check.Do(func() {
		v.findings = v.cfg.Check(config.CheckEnv{Rest: rest})
		checked := make(map[string][]config.Problem)
		for _, f := range v.findings {
			for _, name := range f.Hosts {
				checked[name] = append(checked[name], problem(f))
			}
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.checked = checked
	})
	return v.findings
}

// problem is a finding in one text: what is wrong, and what to do.
func problem(f config.Finding) config.Problem {
	return config.Problem{
		Origin:  f.Origin,
		Message: strings.TrimSuffix(f.Message, ".") + ". " + f.Fix,
		Fatal:   f.Severity == config.SeverityError,
	}
}

// mistakes are those that Check has found for a host.
func (v *Inventory) mistakes(name string) []config.Problem {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.checked[name]
}

// resolve gives the row of a host, its options and what is known of the way.
func (v *Inventory) resolve(name string) (Host, *config.Host, transport.Chain) {
	host, _ := v.cfg.Resolve(name, config.Match{})
	chain, err := transport.Plan(v.cfg, name, config.Match{})
	e, _ := v.cfg.Entry(name)
	row := Host{
		Name:        name,
		HostName:    Printable(host.HostName()),
		User:        Printable(host.User()),
		Port:        host.Port(),
		Comment:     Printable(strings.ReplaceAll(e.Comment, "\n", " ")),
		Conditional: host.Conditions(),
		Origin:      e.Origin,
	}
	if file := e.Origin.File; file != v.Path() && file != "" {
		row.File = Printable(filepath.Base(file))
	}
	for _, t := range e.Tags {
		row.Tags = append(row.Tags, Printable(t))
	}
	if err != nil {
		row.Problem = inOneLine(AsError(err))
	}
	for i, hop := range chain {
		if hop.Command != "" {
			row.Via = append(row.Via, "⟨"+Printable(shortCommand(hop.Command))+"⟩")
		}
		if i < len(chain)-1 {
			row.Via = append(row.Via, Printable(hop.Host.Name))
		}
	}
	return row, host, chain
}

// inOneLine is a failure with what to look at in brackets.
func inOneLine(e *Error) string {
	if len(e.Hints) == 0 {
		return e.Message
	}
	return e.Message + " (" + strings.Join(e.Hints, "; ") + ")"
}

// shortCommand is a ProxyCommand's program, with an ellipsis for the rest.
func shortCommand(command string) string {
	words := strings.Fields(strings.TrimPrefix(command, "exec "))
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return words[0] + " …"
}

func forward(configFile string, host *config.Host, f config.Forward) Forward {
	spec, err := ForwardSpec(f)
	if err != nil {
		return Forward{Origin: f.Origin, Problem: Printable(err.Error())}
	}
	return Forward{ID: TunnelID(configFile, host.Name, spec), Spec: spec, Origin: f.Origin}
}

// kinds are the forwards' keywords of ssh_config(5).
var kinds = map[string]tunnels.Kind{
	"LocalForward":   tunnels.Local,
	"RemoteForward":  tunnels.Remote,
	"DynamicForward": tunnels.Dynamic,
}

// ForwardSpec reads a forward of the configuration.
func ForwardSpec(f config.Forward) (tunnels.Spec, error) {
	spec, err := ParseForward(f.Keyword, strings.TrimSpace(f.Listen+" "+f.Connect))
	if err != nil {
		return spec, fmt.Errorf("%s: %w", f.Origin, err)
	}
	return spec, nil
}

// ParseForward reads a forward as ssh's -L, -R and -D and ssh_config take it,
// by its keyword of ssh_config.
func ParseForward(keyword, text string) (tunnels.Spec, error) {
	return tunnels.Parse(kinds[keyword], text)
}

// TunnelID names the tunnel of a forward of a host in a configuration.
func TunnelID(configFile, host string, s tunnels.Spec) string {
	sum := sha256.Sum256([]byte(configFile + "\x00" + host + "\x00" + s.String()))
	return hex.EncodeToString(sum[:6])
}

// Printable is config.Printable, for those who see only the api.
func Printable(s string) string { return config.Printable(s) }

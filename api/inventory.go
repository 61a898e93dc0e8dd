package api

import (
	"sallyport/config"
	"sallyport/tunnels"
)

// Inventory is a configuration as a person looks at it: the hosts, the way to
// each, and what was set where. It is read in the process that shows it, so
// that looking needs no background process; it executes nothing.
type Inventory struct{}

// Host is a row of the list. All texts but Name are printable; Name is the
// alias itself and must pass through Printable before it is shown.
type Host struct {
	Name        string        `json:"name"`
	Via         []string      `json:"via,omitempty"` // the hops before it, nearest to here first; "⟨nc …⟩" for a ProxyCommand
	HostName    string        `json:"hostname"`
	User        string        `json:"user"`
	Port        int           `json:"port"`
	Comment     string        `json:"comment,omitempty"`
	Tags        []string      `json:"tags,omitempty"`
	Conditional bool          `json:"conditional,omitempty"` // a Match exec or the like may change it when it is opened
	Problem     string        `json:"problem,omitempty"`     // why it cannot be opened, with file:line
	Origin      config.Origin `json:"origin"`
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
	Problems []config.Problem `json:"problems"` // of this host: warnings and conditions, each at its line
}

// ReadInventory reads a configuration. It always gives an Inventory; what is
// wrong is in Problems.
func ReadInventory(p config.Paths) *Inventory { panic("unwritten") }

// Path is the user's file, for messages; Missing tells that there is none.
func (v *Inventory) Path() string { panic("unwritten") }

// Missing tells that the user's file does not exist.
func (v *Inventory) Missing() bool { panic("unwritten") }

// Names lists the aliases in file order. Cheap at any size.
func (v *Inventory) Names() []string { panic("unwritten") }

// Host resolves the row of one alias; kept once made. Safe from several
// goroutines.
func (v *Inventory) Host(name string) Host { panic("unwritten") }

// Detail resolves everything about one alias.
func (v *Inventory) Detail(name string) Detail { panic("unwritten") }

// Problems lists what is wrong with the files as a whole, in reading order.
func (v *Inventory) Problems() []config.Problem { panic("unwritten") }

// TunnelID names the tunnel of a forward of a host in a configuration.
func TunnelID(configFile, host string, s tunnels.Spec) string { panic("unwritten") }

// Printable is config.Printable, for those who see only the api.
func Printable(s string) string { return config.Printable(s) }

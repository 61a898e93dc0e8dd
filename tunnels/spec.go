package tunnels

// Kind is what ssh calls the forward: -L, -R or -D.
type Kind string

const (
	Local   Kind = "L"
	Remote  Kind = "R"
	Dynamic Kind = "D"
)

// Address is one end of a forward.
type Address struct {
	Network string `json:"network"` // "tcp" or "unix"
	Host    string `json:"host"`    // of tcp; "" listens on loopback (or as GatewayPorts says), "*" everywhere
	Port    int    `json:"port"`    // of tcp
	Path    string `json:"path"`    // of unix
}

// String is the address as ssh -L takes it.
func (a Address) String() string { panic("unwritten") }

// Spec is what a forward should do.
type Spec struct {
	Kind    Kind    `json:"kind"`
	Listen  Address `json:"listen"`
	Connect Address `json:"connect"` // zero for a dynamic forward
	Gateway bool    `json:"gateway"` // GatewayPorts yes: a Listen without host is on all addresses
}

// Parse reads a forward as ssh's -L, -R and -D take it ("8080:localhost:80",
// "[::1]:8080:host:80", "/run/x.sock:host:80") and as ssh_config writes it
// ("8080 localhost:80").
func Parse(kind Kind, s string) (Spec, error) { panic("unwritten") }

// String is the forward in one stable form, "L 8080 → targaryen:8080" without
// the arrow: "L 8080:targaryen:8080". Parse(kind, ...) reads what follows the
// kind.
func (s Spec) String() string { panic("unwritten") }

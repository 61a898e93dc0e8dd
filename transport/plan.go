package transport

import "sallyport/config"

// Hop is one station of a chain.
type Hop struct {
	Host    *config.Host
	Command string // the ProxyCommand to run and speak through; "" for a plain dial
}

// Chain is the way to a host: the first hop is dialled from here, each next
// one through the one before it. It is never empty.
type Chain []Hop

// Plan works out the way to name from ProxyJump (each jump by its own Host
// block) or from a ProxyCommand that is only "ssh X -W %h:%p"; any other
// ProxyCommand becomes the Command of the hop it leads to. It executes
// nothing unless m.Execute.
//
// It fails, naming file and line, where the configuration could not be
// understood and where jumps form a loop. On failure the Chain holds what was
// understood, for drawing; it must not be dialled.
func Plan(cfg *config.Config, name string, m config.Match) (Chain, error) { panic("unwritten") }

// Names are the aliases of the chain in order.
func (c Chain) Names() []string { panic("unwritten") }

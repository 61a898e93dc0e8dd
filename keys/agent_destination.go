package keys

import "golang.org/x/crypto/ssh"

// restrictDestination is the constraint that keeps a key to some destinations
// ([PROTOCOL.agent] section 2).
const restrictDestination = "restrict-destination-v00@openssh.com"

// Destination is a step that a key may take: from where the agent runs, or from
// a host that the agent is forwarded to, to another one. The agent knows hosts
// by their keys, which ssh shows it; who does not show them gets no signature.
type Destination struct {
	From Station // the zero value is where the agent runs
	To   Station
}

// Station is one end of a Destination.
type Station struct {
	User string // to log in as, a pattern; "" is anybody
	Host string // for which a host certificate has to be
	Keys []HostKey
}

// HostKey is a key by which a host is known.
type HostKey struct {
	Key       ssh.PublicKey
	Authority bool // it signs the certificates of hosts
}

// marshalDestinations encodes as encode_constraints (authfd.c), where each
// string that is empty is reserved; [PROTOCOL.agent] leaves them out.
func marshalDestinations(all []Destination) []byte {
	var out []byte
	for _, d := range all {
		step := ssh.Marshal(struct{ From, To, Reserved []byte }{d.From.marshal(), d.To.marshal(), nil})
		out = append(out, ssh.Marshal(struct{ Step []byte }{step})...)
	}
	return out
}

func (s Station) marshal() []byte {
	out := ssh.Marshal(struct{ User, Host, Reserved string }{User: s.User, Host: s.Host})
	for _, k := range s.Keys {
		out = append(out, ssh.Marshal(struct {
			Key       []byte
			Authority bool
		}{k.Key.Marshal(), k.Authority})...)
	}
	return out
}

package api

import (
	"strings"

	"sallyport/config"
	"sallyport/keys"
)

// Installation is what became of a key on a host.
type Installation struct {
	Host    string       `json:"host"`
	Key     string       `json:"key,omitempty"`     // its fingerprint
	State   string       `json:"state"`             // "installed", "present" or "failed"
	Login   string       `json:"login,omitempty"`   // with the key alone: "proved", "partial", "refused" or "unproved"
	Options []string     `json:"options,omitempty"` // of the line that was there
	Faults  []keys.Fault `json:"faults,omitempty"`  // that are left
	Mended  []keys.Fault `json:"mended,omitempty"`  //
	Managed bool         `json:"managed,omitempty"` // others than the account decide which keys log in
	Line    string       `json:"line,omitempty"`    // to paste where Managed
	Error   *Error       `json:"error,omitempty"`   // why it failed, or why the login is not proved
}

// The values of Installation.
const (
	KeyInstalled, KeyPresent, KeyFailed                    = "installed", "present", "failed"
	LoginProved, LoginPartial, LoginRefused, LoginUnproved = "proved", "partial", "refused", "unproved"
)

// Good tells that nothing is left to do.
func (i Installation) Good() bool {
	return i.State != KeyFailed && i.Login != LoginRefused
}

// Words is the outcome in one clause.
func (i Installation) Words() string {
	said := map[string]string{KeyInstalled: "the key is installed", KeyPresent: "the key was there already", KeyFailed: "the key is not installed"}[i.State]
	if len(i.Options) > 0 {
		said += " (" + config.Printable(strings.Join(i.Options, ",")) + ")"
	}
	switch i.Login {
	case LoginProved:
		return said + "; a new login with it alone works"
	case LoginPartial:
		return said + "; the host takes it, and asks for more"
	case LoginRefused:
		return said + "; a new login with it alone is refused"
	case LoginUnproved:
		return said + "; not proved by a login"
	}
	return said
}

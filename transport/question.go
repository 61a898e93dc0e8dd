package transport

import (
	"context"
	"errors"
	"slices"
)

// Kind says what a question is about.
type Kind string

const (
	AskHostKey     Kind = "hostkey"     // an unknown host key: Choices has the answers
	AskPassphrase  Kind = "passphrase"  // of a local key file
	AskPassword    Kind = "password"    // of the account on the host (RFC 4252 section 8)
	AskInteractive Kind = "interactive" // one keyboard-interactive round (RFC 4256)
	AskPIN         Kind = "pin"         // of a security key
	AskAddKey      Kind = "agent"       // whether a key goes to the agent (AddKeysToAgent ask): Choices has the answers
	AskShare       Kind = "share"       // whether a client of ssh may use the connection (ControlMaster ask): Choices has the answers
)

// The choices of a host-key question. Refuse is one of every question that has
// choices.
const (
	AcceptAndRemember = "accept"
	AcceptOnce        = "once"
	Refuse            = "refuse"
)

// AddKey is the other choice of a question about the agent.
const AddKey = "add"

// Prompt is one line to fill in.
type Prompt struct {
	Text string `json:"text"` // printable
	Echo bool   `json:"echo"` // whether what is typed may be shown
}

// Question is asked of a person while a link connects, or is shared. All texts are
// printable (config.Printable).
type Question struct {
	ID          string   `json:"id"`   // set by whoever passes it on
	Link        string   `json:"link"` // LinkStatus.ID of the hop that asks
	Kind        Kind     `json:"kind"`
	Host        string   `json:"host"`           // alias of the hop that asks
	Address     string   `json:"address"`        // user@host:port of that hop
	Hop         int      `json:"hop"`            // its place in the chain, from 1
	Hops        int      `json:"hops"`           // the length of the chain that was opened
	Goal        string   `json:"goal"`           // alias at the end of that chain
	FromServer  bool     `json:"fromServer"`     // Instruction and Prompts are the server's own words
	Title       string   `json:"title"`          // one sentence, ours; "" where the server's words stand for it
	Instruction string   `json:"instruction"`    // more of it; lines separated by \n
	Prompts     []Prompt `json:"prompts"`        // empty for a host key
	Choices     []string `json:"choices"`        // where there are no prompts
	Try         int      `json:"try"`            // from 1
	File        string   `json:"file,omitempty"` // the key file of a passphrase or PIN, or for the agent
	Login       string   `json:"login"`          // user@host as ssh's own prompts have it: by HostKeyAlias, or HostName
	MayKeep     bool     `json:"mayKeep"`        // Answer.Keep is heeded
	HostKey     *HostKey `json:"hostKey,omitempty"`
}

// HostKey is what a person needs in order to compare a host key.
type HostKey struct {
	Type        string `json:"type"`        // "ED25519", as ssh prints it
	Fingerprint string `json:"fingerprint"` // "SHA256:..."
	Art         string `json:"art"`         // randomart, lines separated by \n
	Address     string `json:"address"`     // where the connection led, as known_hosts has it; "" behind a proxy
	Note        string `json:"note"`        // e.g. where else this key is known; lines separated by \n
}

// Alike tells whether the answer to one question is that to another: the passphrase
// of a key is, to all who want to open that one.
func (q Question) Alike(other Question) bool {
	return q.Kind == AskPassphrase && other.Kind == q.Kind && other.File == q.File
}

// Answer is a person's answer: a text for each prompt, or a choice. Texts are
// wiped once they have been used.
type Answer struct {
	Texts  [][]byte `json:"texts,omitempty"`
	Choice string   `json:"choice,omitempty"`

	// Keep asks to hold the text in memory while the link lives, so that the
	// link does not ask again when it comes back. Question.MayKeep allows it.
	Keep bool `json:"keep,omitempty"`
}

// Clone is a copy of its own.
func (a Answer) Clone() Answer {
	copied := make([][]byte, len(a.Texts))
	for i, t := range a.Texts {
		copied[i] = slices.Clone(t)
	}
	a.Texts = copied
	return a
}

// Wipe overwrites the texts.
func (a Answer) Wipe() {
	for _, t := range a.Texts {
		clear(t)
	}
}

// ErrCancelled is the answer of somebody who does not want to answer.
var ErrCancelled = errors.New("the question was not answered")

// ErrNobody is the answer where nobody can be asked, as in a job without a
// terminal: an ErrCancelled after which a login goes on with what needs no
// answer. ssh takes an empty answer there, and has the server count a few
// failed logins; what nobody has typed is sent nowhere here.
var ErrNobody error = unattended{}

type unattended struct{}

func (unattended) Error() string        { return "there is nobody to ask" }
func (unattended) Is(target error) bool { return target == ErrCancelled }

// Asker passes a question to a person and waits for the answer, without a
// limit of time. It returns ErrCancelled, ErrNobody, or the cause of ctx.
type Asker interface {
	Ask(ctx context.Context, q Question) (Answer, error)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
	"sallyport/transport"
)

const agentLong = `An agent holds keys in the clear, so that you give each passphrase once. These
commands speak with the agent of SSH_AUTH_SOCK, or with --host HOST with the one
that the configuration names for HOST (IdentityAgent).

The exit status is that of ssh-add: 0, 1 if what was asked for could not be done
or the agent holds no key, 2 if there is no agent.`

// The exit statuses of ssh-add(1) for a failure.
const (
	agentFailed  = 1
	agentMissing = 2
)

// agentFlags are those of every command that speaks with an agent.
type agentFlags struct{ host string }

func (a *app) agentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "look at the keys in an agent, add and remove them, lock it, start one",
		Long:  agentLong,
		Args:  cobra.NoArgs,
	}
	f := &agentFlags{}
	for _, sub := range []*cobra.Command{a.agentList(f), a.agentAdd(f), a.agentRemove(f), a.agentLock(f), a.agentUnlock(f)} {
		sub.Flags().StringVar(&f.host, "host", "", "the agent that the configuration names for `HOST`")
		_ = sub.RegisterFlagCompletionFunc("host", a.completeHosts) // it fails for a flag that is not there
		cmd.AddCommand(sub)
	}
	cmd.AddCommand(a.agentStart())
	return cmd
}

// withAgentStatus gives a command the exit statuses of ssh-add.
func (a *app) withAgentStatus(run func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd.Context(), args)
		var s status
		if err == nil || errors.As(err, &s) || cmd.Context().Err() != nil {
			return err
		}
		explain(a.Err, err)
		if errors.Is(err, errNoAgent) || errors.As(err, new(*noAnswer)) {
			return status(agentMissing)
		}
		return status(agentFailed)
	}
}

// errNoAgent tells that none is set up.
var errNoAgent = &api.Error{
	Code:    "no-agent",
	Message: "there is no agent: SSH_AUTH_SOCK is not set",
	Hints:   []string{`eval "$(sallyport agent start)"`},
}

// noAnswer is an agent that is set up and does not answer.
type noAnswer struct{ error }

func (e *noAnswer) Unwrap() error { return e.error }

// agentAt connects to the agent that is asked for.
func (a *app) agentAt(ctx context.Context, f *agentFlags) (*keys.Agent, error) {
	socket := os.Getenv("SSH_AUTH_SOCK")
	missing := error(errNoAgent)
	if f.host != "" {
		p, err := a.paths()
		if err != nil {
			return nil, err
		}
		host, err := config.Load(p).Resolve(f.host, config.Match{})
		if err != nil {
			return nil, err
		}
		socket = transport.AgentSocket(host, os.Environ())
		if host.Get("IdentityAgent") != "" {
			missing = &noAnswer{fmt.Errorf("there is no agent for %q: its IdentityAgent is %s", f.host, host.Get("IdentityAgent"))}
		}
	}
	if socket == "" {
		return nil, missing
	}
	agent, err := keys.DialAgent(ctx, socket)
	if err != nil {
		return nil, &noAnswer{err}
	}
	return agent, nil
}

const agentListLong = `Lists the keys in an agent: bits, fingerprint, comment and type as "ssh-add -l"
prints them, and below what else is known: that a key is in a token or a smart
card, or is a certificate, for whom and how long. Which agent it is is told by
name. How long it keeps a key, and whether it asks before each use, only
gpg-agent tells; ssh-agent keeps that to itself.

With --json one object is printed:
  program    "ssh-agent", "gpg-agent", "gnome-keyring", "1Password", ...; "sshd"
             is an agent that was forwarded to this machine; absent if not known
  socket     where it listens
  keys       each as in "sallyport key ls --json", and hardware, lifetime_seconds
             and confirm where they are known

The exit status is that of ssh-add: 0, 1 if the agent holds no key, 2 if there
is no agent.`

func (a *app) agentList(f *agentFlags) *cobra.Command {
	var asJSON, public bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list the keys in an agent",
		Long:  agentListLong,
		Args:  cobra.NoArgs,
		RunE: a.withAgentStatus(func(ctx context.Context, _ []string) error {
			list, err := a.agentHolds(ctx, f)
			if err != nil {
				return err
			}
			switch {
			case asJSON:
				err = printJSON(a.Out, list)
			case public:
				err = list.printPublic(a.Out)
			default:
				list.describe(a.Err)
				err = list.print(a.Out)
			}
			if err == nil && len(list.Keys) == 0 {
				return status(agentFailed)
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&public, "public", "L", false, "print the public keys, as authorized_keys has them")
	cmd.MarkFlagsMutuallyExclusive("json", "public")
	return cmd
}

// agentContent is an agent and what it holds.
type agentContent struct {
	Program string      `json:"program,omitempty"`
	Socket  string      `json:"socket"`
	Keys    []*agentRow `json:"keys"`
}

// agentRow is a key in an agent.
type agentRow struct {
	*keys.Facts
	Hardware string `json:"hardware,omitempty"` // "token", "card" or "pkcs11"
	Lifetime int    `json:"lifetime_seconds,omitempty"`
	Confirm  *bool  `json:"confirm,omitempty"` // nil: the agent does not tell
}

// The values of agentRow.Hardware.
const (
	inToken  = "token"
	inCard   = "card"
	inPKCS11 = "pkcs11"
)

func (a *app) agentHolds(ctx context.Context, f *agentFlags) (*agentContent, error) {
	agent, err := a.agentAt(ctx, f)
	if err != nil {
		return nil, err
	}
	defer agent.Close()
	held, err := agent.Keys()
	if err != nil {
		return nil, err
	}
	kept, err := agent.Kept()
	if err != nil {
		fmt.Fprintf(a.Err, "sallyport: %s\n", api.Printable(err.Error()))
	}
	content := &agentContent{Program: agent.Program(), Socket: agent.Socket, Keys: []*agentRow{}}
	for _, k := range held {
		row := &agentRow{Facts: keys.Of(k), Hardware: hardware(k)}
		if how, told := kept[row.SHA256]; told {
			row.Lifetime, row.Confirm = int(how.Lifetime/time.Second), &how.Confirm
			if how.Card {
				row.Hardware = inCard
			}
		}
		content.Keys = append(content.Keys, row)
	}
	return content, nil
}

// hardware tells what holds a key, by its type, or by its comment: gpg-agent
// names a card there, and ssh-agent the library of a PKCS#11 token that gives
// the key no label.
func hardware(k *keys.Key) string {
	switch {
	case keys.IsSecurityKey(k.Public):
		return inToken
	case strings.HasPrefix(k.Comment, "cardno:"):
		return inCard
	case strings.HasPrefix(k.Comment, "/") && (strings.HasSuffix(k.Comment, ".so") || strings.HasSuffix(k.Comment, ".dylib")):
		return inPKCS11
	}
	return ""
}

// describe says which agent it is, and what that means.
func (c *agentContent) describe(w io.Writer) {
	name := c.Program
	switch name {
	case "":
		name = "an agent"
	case keys.ProgramForwarded:
		name = "an agent forwarded to this machine by ssh: root here can use its keys while you are logged in"
	}
	if len(c.Keys) == 0 {
		name += " holds no keys, or is locked"
	}
	fmt.Fprintf(w, "sallyport: %s (%s)\n", name, api.Printable(c.Socket))
}

func (c *agentContent) print(w io.Writer) error {
	var b strings.Builder
	for _, r := range c.Keys {
		fmt.Fprintf(&b, "%d %s %s (%s)\n", r.Bits, r.SHA256, api.Printable(r.Comment), r.Type)
		for _, line := range r.remarks() {
			fmt.Fprintf(&b, "    %s\n", api.Printable(line))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printPublic prints what ssh-add -L does.
func (c *agentContent) printPublic(w io.Writer) error {
	for _, r := range c.Keys {
		if _, err := w.Write(keys.PublicLine(r.Public, api.Printable(r.Comment))); err != nil {
			return err
		}
	}
	return nil
}

var hardwareWords = map[string]string{inToken: "in a FIDO token", inCard: "in a smart card", inPKCS11: "in a PKCS#11 token"}

func (r *agentRow) remarks() (lines []string) {
	if words := hardwareWords[r.Hardware]; words != "" {
		lines = append(lines, words)
	}
	if c := r.Certificate; c != nil {
		lines = append(lines, fmt.Sprintf("certificate: %q for %s, %s", c.ID, strings.Join(c.Principals, ", "), c.Validity()))
	}
	if r.Lifetime > 0 {
		lines = append(lines, fmt.Sprintf("its passphrase is remembered for %s", time.Duration(r.Lifetime)*time.Second))
	}
	if r.Confirm != nil && *r.Confirm {
		lines = append(lines, "the agent asks before each use")
	}
	for _, f := range r.Findings {
		lines = append(lines, fmt.Sprintf("✗ %s [%s]", f.Message, f.Rule), "  fix: "+f.Fix)
	}
	return lines
}

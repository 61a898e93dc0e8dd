package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "look at your keys, make and change them, and install them on hosts",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(a.keyList())
	cmd.AddCommand(a.keyNew())
	cmd.AddCommand(a.keyInstall(), a.keyInstalled(), a.keyUninstall(), a.keyLine())
	cmd.AddCommand(a.keyImport(), a.keyConvert())
	cmd.AddCommand(a.keyPasswd(), a.keyComment(), a.keyPublic(), a.keyRemove())
	cmd.AddCommand(a.keyPack(), a.keyUnpack())
	return cmd
}

const keyListLong = `Lists each key pair in ~/.ssh, each that the configuration names, and what the
agent of SSH_AUTH_SOCK holds: what it is, how it is protected, which hosts use
it, and what is wrong with it, with the command that mends it. It asks for no
passphrase and changes nothing.`

func (a *app) keyList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list key pairs and what is wrong with them",
		Long:  keyListLong,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := a.listKeys(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, list)
			}
			return printKeys(a.Out, list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// keyRow is a key pair and who has to do with it.
type keyRow struct {
	*keys.Facts
	InAgent bool     `json:"in_agent"`
	Hosts   []string `json:"hosts"` // that would offer it, in the order of the configuration
}

// listKeys has the pairs in the order of their paths, the agent's own last.
func (a *app) listKeys(ctx context.Context) ([]*keyRow, error) {
	p, err := a.paths()
	if err != nil {
		return nil, err
	}
	paths, err := keys.Find(filepath.Join(p.Home, ".ssh"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	uses := keyUses(config.Load(p))
	for path := range uses {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	rows := []*keyRow{}
	for _, path := range slices.Compact(paths) {
		facts, err := keys.Inspect(path)
		switch {
		case err == nil:
			rows = append(rows, &keyRow{Facts: facts, Hosts: append([]string{}, uses[path]...)})
		case !errors.Is(err, fs.ErrNotExist):
			fmt.Fprintf(a.Err, "sallyport: %s\n", api.Printable(err.Error()))
		}
	}
	return a.withAgent(ctx, rows), nil
}

// keyUses are the key files of the hosts of the configuration. A certificate
// is told with its key.
func keyUses(c *config.Config) map[string][]string {
	uses := map[string][]string{}
	for _, name := range c.Names() {
		// What ssh refuses about a host is for "config check" to say.
		h, _ := c.Resolve(name, config.Match{})
		files, _ := h.IdentityFiles()
		for _, f := range h.CertificateFiles() {
			files = append(files, strings.TrimSuffix(f, "-cert.pub"))
		}
		for _, f := range files {
			path := filepath.Clean(strings.TrimSuffix(f, ".pub"))
			if !slices.Contains(uses[path], name) {
				uses[path] = append(uses[path], name)
			}
		}
	}
	return uses
}

// withAgent marks the pairs that the agent holds, and adds what only it has.
func (a *app) withAgent(ctx context.Context, rows []*keyRow) []*keyRow {
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return rows
	}
	held, err := agentKeys(ctx, socket)
	if err != nil {
		fmt.Fprintf(a.Err, "sallyport: %s\n", api.Printable(err.Error()))
	}
	for _, k := range held {
		known := false
		for _, r := range rows {
			if r.Public != nil && keys.Equal(keys.Plain(r.Public), keys.Plain(k.Public)) {
				r.InAgent, known = true, true
				r.Findings = slices.DeleteFunc(r.Findings, func(f keys.Finding) bool { return f.Rule == keys.RuleOrphan })
			}
		}
		if !known {
			rows = append(rows, &keyRow{Facts: keys.Of(k), InAgent: true, Hosts: []string{}})
		}
	}
	return rows
}

func agentKeys(ctx context.Context, socket string) ([]*keys.Key, error) {
	agent, err := keys.DialAgent(ctx, socket)
	if err != nil {
		return nil, err
	}
	defer agent.Close()
	return agent.Keys()
}

func printKeys(w io.Writer, rows []*keyRow) error {
	var b strings.Builder
	for _, r := range rows {
		name := r.Path
		if name == "" {
			name = "(agent only)"
		}
		fmt.Fprintln(&b, api.Printable(name))
		for _, line := range r.lines() {
			fmt.Fprintf(&b, "    %s\n", api.Printable(line))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lines are what there is to say of a key, each fact with its name.
func (r *keyRow) lines() (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if r.Type != "" {
		say("%s %d %s", r.Type, r.Bits, r.Comment)
		say("%s", r.SHA256)
		say("%s", r.MD5)
	}
	if r.Private != nil {
		say("private: %s, mode %s, owner %s", protection(*r.Private), r.Mode, r.Owner)
	}
	if c := r.Certificate; c != nil {
		say("certificate: %q for %s, %s", c.ID, strings.Join(c.Principals, ", "), validity(c))
	}
	if r.InAgent {
		say("in the agent")
	}
	if len(r.Hosts) > 0 {
		say("hosts: %s", few(r.Hosts))
	}
	for _, f := range r.Findings {
		say("✗ %s [%s]", f.Message, f.Rule)
		say("  fix: %s", f.Fix)
	}
	return lines
}

func protection(l keys.Lock) string {
	switch {
	case l.Version > 0:
		return puttyProtection(l)
	case !l.Encrypted:
		return l.Format + ", no passphrase"
	case l.Rounds > 0:
		return fmt.Sprintf("%s, %s with %d rounds of bcrypt", l.Format, l.Cipher, l.Rounds)
	}
	return strings.TrimSpace(l.Format + ", encrypted " + l.Cipher)
}

// puttyProtection names what slows down who guesses the passphrase: in version
// 2 nothing does.
func puttyProtection(l keys.Lock) string {
	what := fmt.Sprintf("%s version %d", l.Format, l.Version)
	switch {
	case !l.Encrypted:
		return what + ", no passphrase"
	case l.KDF != "":
		return fmt.Sprintf("%s, %s with %s", what, l.Cipher, l.KDF)
	}
	return fmt.Sprintf("%s, %s with SHA-1", what, l.Cipher)
}

func validity(c *keys.Certificate) string {
	const day = "2006-01-02 15:04 MST"
	from, until := "always", "for ever"
	if !c.After.IsZero() {
		from = "from " + c.After.Format(day)
	}
	if !c.Before.IsZero() {
		until = "until " + c.Before.Format(day)
	}
	return from + " " + until
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"sallyport/api"
	"sallyport/config"
	"sallyport/keys"
)

const keyRemoveLong = `Takes the key pair FILE and FILE.pub, and its certificate, out of use: the files
go to a directory of their own in $XDG_STATE_HOME/sallyport/backups/keys, and
stay there. How to bring them back is said.

First the hosts are named whose configuration uses the key. It is asked once,
unless --yes is given. An agent keeps what it holds unless --agent is given; so
do the authorized_keys of hosts, see "sallyport key uninstall".

With --json it prints files, hosts that use the key, kept (the directory where the
files are now), restore (a command line), and agent: "held" or "removed".

Exit status: 0 if the pair is gone, 1 if you said no, 255 if it failed.`

// removeFlags are those of "key rm".
type removeFlags struct {
	yes, agent, json bool
}

func (a *app) keyRemove() *cobra.Command {
	var f removeFlags
	cmd := &cobra.Command{
		Use:     "rm FILE",
		Short:   "take a key pair out of use, and keep a copy",
		Long:    keyRemoveLong,
		Example: `  sallyport key rm ~/.ssh/id_old`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			gone, err := a.removePair(cmd.Context(), privatePath(args[0]), f)
			if err != nil {
				return err
			}
			if f.json {
				return printJSON(a.Out, gone)
			}
			a.tellRemoved(gone)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&f.agent, "agent", false, "remove it from the agent of SSH_AUTH_SOCK, too")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// removedPair is a key pair that was taken out of use.
type removedPair struct {
	Files   []string `json:"files"`
	Hosts   []string `json:"hosts"`           // whose configuration uses it
	Kept    string   `json:"kept"`            // the directory where the files are now
	Restore string   `json:"restore"`         // a command line
	Agent   string   `json:"agent,omitempty"` // "held" or "removed"; "" where it has not got the key
}

// The values of removedPair.Agent.
const (
	agentHeld    = "held"
	agentRemoved = "removed"
)

func (a *app) removePair(ctx context.Context, path string, f removeFlags) (*removedPair, error) {
	facts, err := inspectPair(path)
	if err != nil {
		return nil, err
	}
	gone := &removedPair{}
	if gone.Files, err = filesOf(facts); err != nil {
		return nil, err
	}
	if gone.Hosts, err = a.usersOf(path); err != nil {
		return nil, err
	}
	if len(gone.Hosts) > 0 {
		fmt.Fprintf(a.Err, "sallyport: the configuration uses it for %s\n", few(gone.Hosts))
	}
	if !f.yes {
		question := fmt.Sprintf("Take %s out of use (the files are kept)?", api.Printable(strings.Join(gone.Files, ", ")))
		if err := a.agrees(ctx, question, "--yes does not ask"); err != nil {
			return nil, err
		}
	}
	dir, err := a.backups()
	if err != nil {
		return nil, err
	}
	if gone.Agent, err = leaveAgent(ctx, facts.Public, f.agent); err != nil {
		return nil, err
	}
	if gone.Kept, err = keys.Keep(dir, gone.Files...); err != nil {
		return nil, err
	}
	gone.Restore, err = restoring(gone.Kept, gone.Files)
	return gone, err
}

// filesOf are the files of a pair that are there. Only what is a key goes.
func filesOf(f *keys.Facts) (files []string, err error) {
	if f.Private == nil && f.Public == nil {
		return nil, &api.Error{Code: api.CodeBadRequest, Message: api.Printable(fmt.Sprintf("%q is not a key; it was left as it is", f.Path))}
	}
	for _, file := range []string{f.Path, f.Path + ".pub", f.Path + "-cert.pub"} {
		info, err := os.Lstat(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, &api.Error{
				Code:    api.CodeBadRequest,
				Message: api.Printable(fmt.Sprintf("%q is a link or no ordinary file; it was left as it is", file)),
				Hints:   []string{"ls -l " + word(file)},
			}
		}
		files = append(files, file)
	}
	return files, nil
}

// usersOf are the hosts that the configuration has the key for, by whatever
// name it calls the file.
func (a *app) usersOf(path string) ([]string, error) {
	p, err := a.paths()
	if err != nil {
		return nil, err
	}
	hosts := []string{}
	uses := api.KeyUses(config.Load(p))
	for _, used := range slices.Sorted(maps.Keys(uses)) {
		if sameFile(used, path) || sameFile(used+".pub", path+".pub") {
			hosts = append(hosts, uses[used]...)
		}
	}
	return hosts, nil
}

func sameFile(a, b string) bool {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	return errOne == nil && errOther == nil && os.SameFile(one, other)
}

// leaveAgent tells whether the agent has the key, and has it forget it if that
// is asked for. An agent that does not answer matters only then.
func leaveAgent(ctx context.Context, key ssh.PublicKey, remove bool) (state string, err error) {
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" || key == nil {
		return "", nil
	}
	held, err := api.AgentKeys(ctx, socket)
	if err != nil && !remove {
		return "", nil
	}
	held = slices.DeleteFunc(held, func(k *keys.Key) bool { return !keys.Equal(keys.Plain(k.Public), keys.Plain(key)) })
	switch {
	case err != nil:
		return "", err
	case len(held) == 0:
		return "", nil
	case !remove:
		return agentHeld, nil
	}
	agent, err := keys.DialAgent(ctx, socket)
	if err != nil {
		return "", err
	}
	defer agent.Close()
	for _, k := range held { // itself and its certificates
		if err := agent.Remove(k.Public); err != nil {
			return "", err
		}
	}
	return agentRemoved, nil
}

// restoring is the command line that brings files back from where they are
// kept. It writes over nothing.
func restoring(kept string, files []string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(files[0]))
	if err != nil {
		return "", err
	}
	words := []string{"mv", "-n"}
	for _, file := range files {
		words = append(words, filepath.Join(kept, filepath.Base(file)))
	}
	return shellescape.QuoteCommand(append(words, dir+string(os.PathSeparator))), nil
}

func (a *app) tellRemoved(gone *removedPair) {
	fmt.Fprintf(a.Err, "sallyport: %s kept in %s\n  hint: to bring back: %s\n",
		api.Printable(strings.Join(gone.Files, ", ")), api.Printable(gone.Kept), api.Printable(gone.Restore))
	switch gone.Agent {
	case agentHeld:
		fmt.Fprintln(a.Err, "sallyport: the agent still has it, for as long as it runs")
	case agentRemoved:
		fmt.Fprintln(a.Err, "sallyport: the agent has it no more")
	}
}

package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// judgeTime bounds one run of ssh -G.
const judgeTime = 5 * time.Second

// judge asks the ssh that is installed, if one is, what it makes of the edited
// hosts: it must accept the new text, and see the same change that we see. The
// file is read by itself, as with ssh -F. Nothing is asked where ssh would run
// a program or look up a name for it.
func (c *Change) judge(ctx context.Context) error {
	ssh, err := Program()
	if err != nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "sallyport-judge-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var files [2]string
	for i, text := range [][]byte{c.Before, c.After} {
		files[i] = filepath.Join(dir, []string{"before", "after"}[i])
		if err := os.WriteFile(files[i], text, 0o600); err != nil {
			return err
		}
	}
	for _, host := range c.Hosts {
		if err := judgeHost(ctx, ssh, files[0], files[1], host); err != nil {
			return err
		}
	}
	return nil
}

func judgeHost(ctx context.Context, ssh, before, after, host string) error {
	was, quiet := readAlone(before, host)
	is, alsoQuiet := readAlone(after, host)
	if !quiet || !alsoQuiet {
		return nil
	}
	theirWas, refused, err := ask(ctx, ssh, before, host)
	if err != nil || refused != "" {
		return err // it was refused before: there is nothing to compare with
	}
	theirIs, refused, err := ask(ctx, ssh, after, host)
	switch {
	case err != nil:
		return err
	case refused != "":
		return refuse("", "ssh would refuse the result: %s", Printable(strings.ReplaceAll(refused, after, "the file")))
	case !slices.Equal(changes(was, is), changes(theirWas, theirIs)):
		return refuse("edit the file itself", "ssh understands the result for %s in another way than was meant", quoteHost(host))
	}
	return nil
}

// readAlone is what we make of a host by one file, and whether ssh would
// neither run a program nor ask the network for that.
func readAlone(path, host string) (lines []string, quiet bool) {
	paths, err := File(path)
	if err != nil {
		return nil, false
	}
	c := Load(paths)
	for _, f := range c.reading {
		for _, cond := range f.conditions {
			if slices.ContainsFunc(cond.criteria, func(c criterion) bool { return c.name == "exec" }) {
				return nil, false
			}
		}
	}
	h, _ := c.Resolve(host, Match{}) // ssh says itself what it refuses
	if canonicalize := h.r.text(kCanonicalizeHostname); canonicalize != "" && canonicalize != "false" {
		return nil, false
	}
	return h.Lines(), true
}

// ask is what ssh -G prints, or why it refuses.
func ask(ctx context.Context, ssh, file, host string) (lines []string, refused string, err error) {
	ctx, cancel := context.WithTimeout(ctx, judgeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, ssh, "-F", file, "-G", "--", host)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, "", ctx.Err()
	case errors.As(err, &exit):
		return nil, complaint(stderr.String()), nil
	case err != nil:
		return nil, "", err
	}
	return strings.Split(strings.TrimSpace(stdout.String()), "\n"), "", nil
}

// complaint is the first thing that ssh has to say, but for its remark on the
// terminal.
func complaint(stderr string) string {
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "Pseudo-terminal") {
			return strings.TrimSpace(line)
		}
	}
	return "it does not say why"
}

// changes are the lines that only one of two answers has.
func changes(before, after []string) (all []string) {
	seen := map[string]int{}
	for _, line := range before {
		seen[line]--
	}
	for _, line := range after {
		seen[line]++
	}
	for line, n := range seen {
		if n != 0 {
			all = append(all, fmt.Sprintf("%+d %s", n, line))
		}
	}
	slices.Sort(all)
	return all
}

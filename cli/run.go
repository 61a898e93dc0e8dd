package cli

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
)

const runLong = `Run a command on many hosts at once, without a terminal there. What the hosts
write comes line by line as they write it, each line behind its host's name:
standard output on ours, standard error on ours.

-H chooses hosts, and several -H choose what any of them does. All words of one
-H must fit:

  web1        this host, as the configuration calls it
  web*        a pattern for the alias
  tag:gpu     a tag; likewise user:NAME, via:HOP and file:NAME, also as patterns

"sallyport hosts QUERY" shows beforehand whom patterns and fields choose. A -H
that chooses nobody is an error, and nothing is run.

The background process makes the connections, so hosts behind one bastion share
that one's, and what is open already asks nothing. What has to be asked is asked
on the terminal, once for a connection, and the passphrase of a key once; where
the host's BatchMode is yes, the host fails instead. Hosts are taken in their
order in the configuration, 10 at a time: an sshd as it comes refuses logins from
the eleventh at once on (MaxStartups), and several hosts may be names of one
machine.

--timeout is for one host, from its login to the command's end; it stands still
while you are asked. A command that runs out of time, or is interrupted by
Ctrl-C, gets SIGTERM there, if the server passes signals on: OpenSSH's does, but
not to root. Standard input is not read but with --stdin, which reads it to its
end first and gives it to every host.

With --json each line of standard output is an object: as it comes
  {"host": "web1", "stdout": "a line"}   or "stderr"
and at each host's end
  {"host": "web1", "end": "exit", "status": 0, "seconds": 0.21}
where "end" is "exit" (with "status", or "signal" and 255), "failed" (no login,
or the connection broke), "timeout" or "interrupted"; the last three have an
"error" with "code", "message" and "hints". Bytes that are no UTF-8 are U+FFFD.

Exit status, the first that is true:
  3    a host was not finished: --timeout or Ctrl-C
  4    a host could not be reached, refused the login, or the connection broke
  5    a command ended with another status than 0, or by a signal
  0    the command ended with 0 on all hosts
  255  nothing was run: a wrong command line or configuration, or no such host
What went wrong where is listed on standard error at the end.`

// loginsAtOnce is the most that sshd takes before it begins to drop some:
// MaxStartups 10:30:100 of sshd_config(5).
const loginsAtOnce = 10

// runFlags are those of "sallyport run".
type runFlags struct {
	hosts       []string
	parallel    int
	timeout     time.Duration
	stdin, json bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run -H QUERY [-H QUERY...] -- COMMAND...",
		Short: "run a command on many hosts",
		Long:  runLong,
		Example: `  sallyport run -H 'tag:gpu' -- nvidia-smi -L
  sallyport run -H web1 -H web2 --timeout 30s -- 'uptime; df -h /'
  sallyport run -H 'via:got-bastion' --json -- uname -r | jq -r 'select(.stdout).stdout' | sort | uniq -c
  sallyport run -H 'node*' --stdin -- sh <setup.sh`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runOnMany(cmd.Context(), strings.Join(args, " "), f)
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // what follows is the command's, as with ssh
	flags.StringArrayVarP(&f.hosts, "host", "H", nil, "the hosts that `QUERY` names; may be given several times")
	flags.IntVarP(&f.parallel, "parallel", "j", loginsAtOnce, "run on `N` hosts at once")
	flags.DurationVar(&f.timeout, "timeout", 0, "end what one host has not finished after a `TIME` such as 30s")
	flags.BoolVar(&f.stdin, "stdin", false, "give standard input to every host")
	flags.BoolVar(&f.json, "json", false, "print JSON, an object on each line")
	_ = cmd.RegisterFlagCompletionFunc("host", a.completeHosts) // the flag is there
	return cmd
}

func (a *app) runOnMany(ctx context.Context, command string, f runFlags) error {
	hosts, err := a.chosen(command, f)
	if err != nil {
		return err
	}
	input, err := a.inputFor(ctx, f)
	if err != nil {
		return err
	}
	defer clear(input) // it may hold a password
	c, err := a.client()
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	p, err := a.paths()
	if err != nil {
		return err
	}
	began := time.Now()
	asker := a.asker(c)
	asker.banner = nil // those of many hosts would hide what the command says
	all := &fleet{
		client: c, asker: asker, input: input, limit: f.timeout,
		out: newRunOutput(a.Stdio, asker, hosts, f.json),
		request: func(host string) api.SessionRequest {
			return api.SessionRequest{Target: target(p, host), Spec: api.SessionSpec{Command: command}, TTY: "no", Since: began}
		},
	}
	outcomes := all.run(ctx, hosts, f.parallel)
	return summary(a.Err, outcomes, asker.err)
}

// chosen are the hosts to run the command on, if all that was asked for makes
// sense.
func (a *app) chosen(command string, f runFlags) ([]api.Host, error) {
	bad := func(message, hint string) ([]api.Host, error) {
		return nil, &api.Error{Code: api.CodeBadRequest, Message: message, Hints: []string{hint}}
	}
	const example = "sallyport run -H 'tag:gpu' -- nvidia-smi"
	switch {
	case strings.TrimSpace(command) == "":
		return bad("no command was given to run", example)
	case len(f.hosts) == 0:
		return bad("no hosts were chosen", example)
	case f.parallel < 1:
		return bad("less than one host at a time is none", "leave out --parallel")
	case f.timeout < 0:
		return bad("a time that is over before it begins ends everything", "--timeout 30s")
	}
	inv, err := a.inventory()
	if err != nil {
		return nil, err
	}
	if err := a.named(inv); err != nil {
		return nil, err
	}
	a.warn(inv)
	return choose(inv, f.hosts)
}

// choose are the hosts that any of the queries names. One that names nobody is
// a mistake, and the command must not run on the others alone.
func choose(inv *api.Inventory, queries []string) ([]api.Host, error) {
	var all []api.Query
	for _, text := range queries {
		q := api.ParseQuery(text)
		if len(matching(inv, q.Names)) == 0 {
			return nil, noHostNamed(text, q)
		}
		all = append(all, q)
	}
	return matching(inv, func(h api.Host) bool {
		return slices.ContainsFunc(all, func(q api.Query) bool { return q.Names(h) })
	}), nil
}

func noHostNamed(text string, q api.Query) error {
	e := &api.Error{
		Code:    api.CodeNotFound,
		Message: "no host of the configuration is \"" + api.Printable(text) + "\"; nothing was run",
		Hints:   []string{"sallyport hosts"},
	}
	if len(q) > 1 {
		e.Hints = append(e.Hints, "all words of one -H must fit; for several hosts: -H "+api.Printable(strings.Join(q, " -H ")))
	}
	return e
}

// inputFor is what every host gets to read, nothing unless it was asked for.
// Standard input may have no end: an interrupt does not wait for it.
func (a *app) inputFor(ctx context.Context, f runFlags) ([]byte, error) {
	if !f.stdin {
		return nil, nil
	}
	type result struct {
		bytes []byte
		err   error
	}
	read := make(chan result, 1) // of size 1: the goroutine ends with the input, even if nobody waits
	go func() {
		var all bytes.Buffer
		_, err := io.Copy(&all, a.In)
		read <- result{all.Bytes(), err}
	}()
	select {
	case r := <-read:
		return r.bytes, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/api"
	"sallyport/config"
	"sallyport/transport"
)

const doctorLong = `Finds out why HOST cannot be reached, or what will go wrong there. It connects
as "sallyport ssh" does, by a connection of its own, and tells of each hop: name,
network, port, key exchange, host key, each key and method, session, forwards.
Where a login works, it looks at the account there too: home, room and quota,
modes and owners, authorized_keys, clock, what sshd has said of it, and start-up
files that print, which break scp and rsync. Without HOST it looks at this machine only: the configuration and
all keys.

  ✓ HOST: what is well
  · HOST: what is worth knowing
  ✗ HOST: what is wrong [check]
      why: why it matters
      fix: what to do

It changes nothing, unless --fix is given and you agree to a fix. It asks for a
password or passphrase on a terminal only.

With --json each finding is an object on a line of its own:
  check    a stable name, as "key-file", "hostkey", "login"
  hop      the alias it is about; absent for this machine
  outcome  "ok", "note" or "wrong"
  what     one sentence
  why, fix of what is wrong
  ours     whether --fix can do it

With --watch it looks again every 30 seconds, or as often as --every says, until
you press Ctrl-C, and prints a line for each thing that breaks or is over, and a
summary at the end. It never asks, and it ends by itself when a login or a host
key is refused. With --json each line is an object: time, event ("well", "broke",
"over", "stopped" or "end"), and finding or summary.

The exit status is 0 if nothing is wrong, 1 if something is, and 2 if that could
not be found out.`

// cannot is the exit status of a doctor who could not look.
const cannot = 2

type doctorFlags struct {
	json, fix, report, watch bool
	every                    string
}

func (a *app) doctorCommand() *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:               "doctor [HOST]",
		Short:             "find out why a host cannot be reached, and mend it",
		Long:              doctorLong,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeHosts,
		RunE: func(cmd *cobra.Command, args []string) error {
			host := strings.Join(args, "")
			err := a.doctor(cmd.Context(), host, flags)
			var s status
			if err == nil || errors.As(err, &s) {
				return err
			}
			if cmd.Context().Err() == nil { // who interrupts it knows
				explain(a.Err, err)
			}
			return status(cannot)
		},
	}
	cmd.Flags().BoolVar(&flags.json, "json", false, "print JSON, an object on a line for each finding")
	cmd.Flags().BoolVar(&flags.fix, "fix", false, "offer each fix that can be done here, then look again")
	cmd.Flags().BoolVar(&flags.report, "report", false, "print what a help desk asks for, to be sent by mail")
	cmd.Flags().BoolVar(&flags.watch, "watch", false, "keep an eye on the host, and tell what changes")
	cmd.Flags().StringVar(&flags.every, "every", "30", "with --watch, look again after `TIME`: seconds, or as 5m")
	cmd.MarkFlagsMutuallyExclusive("json", "fix", "report")
	cmd.MarkFlagsMutuallyExclusive("watch", "fix", "report")
	return cmd
}

func (a *app) doctor(ctx context.Context, host string, flags doctorFlags) error {
	if flags.report {
		return a.report(ctx, host)
	}
	if flags.watch {
		return a.watch(ctx, host, flags)
	}
	v := visit{app: a, flags: flags}
	if err := v.examine(ctx, host); err != nil {
		return err
	}
	if v.mended > 0 {
		fmt.Fprintln(a.Out, "Looking again.")
		v = visit{app: a}
		if err := v.examine(ctx, host); err != nil {
			return err
		}
	}
	if v.wrong > 0 {
		return status(found)
	}
	return nil
}

// watch keeps an eye on a host.
func (a *app) watch(ctx context.Context, host string, flags doctorFlags) error {
	pause, err := pauseOf(flags.every)
	switch {
	case err != nil:
		return err
	case host == "":
		return badUsage("--watch wants a HOST to keep an eye on")
	}
	return a.watchHost(ctx, host, pause, flags.json)
}

// report prints what an institute's help desk asks for, and writes it to a
// file if the person agrees.
func (a *app) report(ctx context.Context, host string) error {
	p, err := a.patientAtTerminal(ctx, host)
	if err != nil {
		return err
	}
	text, err := compose(ctx, p)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(a.Out, text); err != nil {
		return err
	}
	if _, ok := openTerminal(); !ok {
		return nil
	}
	name := api.ReportName(time.Now())
	agreed, err := agree(ctx, "Write this to "+name+"?")
	if err != nil || !agreed {
		return err
	}
	return api.WriteReport(name, text)
}

// compose has the doctor look, and writes a report of it.
func compose(ctx context.Context, p transport.Patient) (string, error) {
	v := api.NewVisit(p, Version)
	for range v.Findings(ctx) { // all are in the report
	}
	return v.Report(ctx)
}

// visit is one run of the doctor.
type visit struct {
	*app
	flags         doctorFlags
	wrong, mended int
}

// examine tells of each finding as it comes.
func (v *visit) examine(ctx context.Context, host string) error {
	p, err := v.patientAtTerminal(ctx, host)
	if err != nil {
		return err
	}
	for f := range transport.Diagnose(ctx, p) {
		if f.Outcome == transport.Wrong {
			v.wrong++
		}
		if err := v.tell(f); err != nil {
			return err
		}
		if v.flags.fix && f.Ours {
			if err := v.mend(ctx, f); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

func (v *visit) tell(f transport.Finding) error {
	if v.flags.json {
		return printJSONLine(v.Out, f)
	}
	_, err := fmt.Fprintln(v.Out, f)
	return err
}

// mend asks whether a fix is to be done, and does it.
func (v *visit) mend(ctx context.Context, f transport.Finding) error {
	if agreed, err := agree(ctx, "    Do it?"); err != nil || !agreed {
		return err
	}
	if err := f.Repair(ctx); err != nil {
		return err
	}
	v.mended++
	return nil
}

// patient is what the doctor looks at. Nobody is asked.
func (a *app) patient(ctx context.Context, host string) (transport.Patient, error) {
	paths, err := a.paths()
	if err != nil {
		return transport.Patient{}, err
	}
	if _, err := os.Stat(paths.User); paths.Explicit && a.configFile != "none" && errors.Is(err, fs.ErrNotExist) {
		return transport.Patient{}, &api.Error{Code: api.CodeConfig, Message: fmt.Sprintf("there is no file %q to look at", api.Printable(paths.User))}
	}
	p := transport.Patient{Config: config.Load(paths), Host: host, Env: os.Environ(), Save: a.save}
	if host != "" {
		return p, nil
	}
	rows, err := a.listKeys(ctx)
	for _, r := range rows {
		if r.Path != "" {
			p.Keys = append(p.Keys, r.Path)
		}
	}
	return p, err
}

// patientAtTerminal is a patient of whom a person is asked, where there is a
// terminal.
func (a *app) patientAtTerminal(ctx context.Context, host string) (transport.Patient, error) {
	p, err := a.patient(ctx, host)
	if _, ok := openTerminal(); ok {
		p.Asker = &doctorAsker{newFloor()}
	}
	return p, err
}

// doctorAsker asks on the terminal, one question after the other.
type doctorAsker struct{ floor floor }

// Ask implements transport.Asker.
func (a *doctorAsker) Ask(ctx context.Context, q transport.Question) (transport.Answer, error) {
	give, err := a.floor.take(ctx)
	if err != nil {
		return transport.Answer{}, err
	}
	defer give()
	answer, err := prompt(ctx, q, ourWords)
	switch {
	case ctx.Err() != nil:
		return answer, context.Cause(ctx)
	case errors.Is(err, errDeclined):
		return api.Declined(q)
	}
	return answer, err
}

// agree asks for a yes on the terminal.
func agree(ctx context.Context, question string) (bool, error) {
	tty, ok := openControlling()
	if !ok {
		return false, errNoTerminal
	}
	defer tty.close()
	return tty.agrees(ctx, question)
}

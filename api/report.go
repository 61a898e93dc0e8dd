package api

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/config"
	"sallyport/keys"
	"sallyport/transport"
)

// ReportName is what the file of a report is called.
func ReportName(now time.Time) string {
	return "sallyport-report-" + now.Format("20060102-150405") + ".txt"
}

// Report is what an institute's help desk asks for, with what the visit has
// found so far. It holds no secret, no private byte and no other host's name.
func (v *Visit) Report(ctx context.Context) (string, error) {
	r := &report{Patient: v.patient}
	r.system(ctx, v.version)
	r.directory(ctx)
	r.agent(ctx)
	r.keys()
	r.visit(v)
	return r.text(), context.Cause(ctx)
}

// report is the text as it grows. As a help desk is used to it, each part
// begins with the command that would print it.
type report struct {
	transport.Patient
	parts strings.Builder
}

func (r *report) part(command string, lines ...string) {
	fmt.Fprintf(&r.parts, "\n$ %s\n", command)
	for _, line := range lines {
		fmt.Fprintln(&r.parts, Printable(line))
	}
}

func (r *report) system(ctx context.Context, version string) {
	said, err := exec.CommandContext(ctx, "uname", "-a").Output()
	if err != nil {
		said = []byte(runtime.GOOS + " " + runtime.GOARCH)
	}
	r.part("uname -a", strings.TrimSpace(string(said)))
	r.part("date", time.Now().Format(time.RFC1123Z))
	said, _ = exec.CommandContext(ctx, "ssh", "-V").CombinedOutput() // there may be none
	r.part("ssh -V", strings.TrimSpace(string(said)), "sallyport "+version)
}

// directory lists ~/.ssh, with the owners that only ls(1) names.
func (r *report) directory(ctx context.Context) {
	home := r.Config.Paths().Home
	said, err := exec.CommandContext(ctx, "ls", "-al", home+"/.ssh").CombinedOutput()
	if err != nil {
		said = append(said, err.Error()...)
	}
	r.part("ls -al ~/.ssh", strings.Split(strings.TrimSpace(string(said)), "\n")...)
}

func (r *report) agent(ctx context.Context) {
	const command = "ssh-add -L"
	socket := r.Env.Get("SSH_AUTH_SOCK")
	if socket == "" {
		r.part(command, "no agent: SSH_AUTH_SOCK is not set")
		return
	}
	held, err := AgentKeys(ctx, socket)
	if err != nil {
		r.part(command, err.Error())
		return
	}
	var lines []string
	for _, k := range held {
		lines = append(lines, publicLine(keys.Of(k)))
	}
	r.part(command, append(lines, fmt.Sprintf("%d keys", len(held)))...)
}

// publicLine is a key as it stands in authorized_keys, with its fingerprint.
func publicLine(f *keys.Facts) string {
	if f.Public == nil {
		return f.Path + ": the public half is not known"
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(f.Public)))
	return strings.TrimSpace(line+" "+f.Comment) + "  (" + f.SHA256 + ")"
}

// keys tells of each pair in ~/.ssh. Of a private half only what the first
// line says is told: in old formats the second is the key itself.
func (r *report) keys() {
	paths, err := keys.Find(filepath.Join(r.Config.Paths().Home, ".ssh"))
	if err != nil {
		return // the listing of the directory has said why
	}
	var firsts, publics []string
	for _, path := range paths {
		f, err := keys.Inspect(path)
		if err != nil {
			firsts = append(firsts, err.Error())
			continue
		}
		publics = append(publics, publicLine(f))
		first := filepath.Base(path) + ": no private half"
		if f.Private != nil {
			first = fmt.Sprintf("%s: %s, %s", filepath.Base(path), f.Type, *f.Private)
		}
		for _, bad := range f.Findings {
			first += "; " + bad.Message
		}
		firsts = append(firsts, first)
	}
	r.part("head -1 ~/.ssh/id_*", firsts...)
	r.part("cat ~/.ssh/*.pub", publics...)
}

// visit tells what was found, and each step of the dial.
func (r *report) visit(v *Visit) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var found []string
	for _, f := range v.found {
		found = append(found, strings.Split(f.String(), "\n")...)
	}
	r.part(strings.TrimSpace("sallyport doctor "+r.Host), found...)
	if r.Host != "" {
		r.part("sallyport ssh -vvv "+r.Host, v.log...)
	}
}

// debugLine is a step of a dial as ssh -v prints it, without secrets.
func debugLine(t transport.Trace) string {
	line := withoutArguments(t.Message)
	if t.Level <= 0 {
		return line // ssh says it without -v
	}
	return fmt.Sprintf("debug%d: %s", t.Level, line)
}

// withoutArguments leaves of a command its program: what follows may be a
// token.
func withoutArguments(line string) string {
	for _, beginning := range []string{"Executing proxy command: exec ", "Executing proxy dialer command: exec "} {
		if command, ok := strings.CutPrefix(line, beginning); ok {
			program, _, more := strings.Cut(command, " ")
			if more {
				program += " ..."
			}
			return beginning + program
		}
	}
	return line
}

// text is the report, with what is private left out.
func (r *report) text() string {
	subject := "this machine"
	if r.Host != "" {
		subject = "the connection to " + Printable(r.Host)
	}
	header := "Report of sallyport on " + subject + "\nSecrets, private keys and the names of other hosts are left out.\n"
	return header + r.private().ReplaceAllString(r.parts.String(), "(left out)")
}

// private matches what is not for others: the names and addresses of hosts
// that are not on the way, and the values that the way's options may hide a
// token in.
func (r *report) private() *regexp.Regexp {
	var known, others, values []string
	chain, _ := transport.Plan(r.Config, r.Host, config.Match{}) // what was understood of it
	for _, hop := range chain {
		known = append(known, hop.Host.Name, hop.Host.HostName())
		values = append(values, tokens(hop.Host)...)
	}
	for _, name := range r.Config.Names() {
		h, _ := r.Config.Resolve(name, config.Match{}) // what is refused of it is no matter here
		for _, word := range []string{name, h.HostName()} {
			if !slices.Contains(known, word) {
				others = append(others, word)
			}
		}
	}
	return regexp.MustCompile(`(?i)\b(?:` + anyOf(others) + `)\b|` + anyOf(values))
}

// anyOf matches each of some texts, the longest first, or nothing.
func anyOf(texts []string) string {
	if len(texts) == 0 {
		return `$^`
	}
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = regexp.QuoteMeta(text)
	}
	slices.SortFunc(quoted, func(a, b string) int { return len(b) - len(a) })
	return strings.Join(quoted, "|")
}

// leastToken is the length from which on a value may be a secret: a shorter
// one would blot out half of the report.
const leastToken = 8

// tokens are the values of SetEnv and the arguments of a ProxyCommand, but
// for the address.
func tokens(h *config.Host) (all []string) {
	words := strings.Fields(strings.Join(h.All("SetEnv"), " "))
	if command := strings.Fields(h.ProxyCommand()); len(command) > 0 {
		words = append(words, command[1:]...)
	}
	for _, word := range words {
		if _, value, ok := strings.Cut(word, "="); ok {
			word = value
		}
		if len(word) >= leastToken && !strings.Contains(word, h.HostName()) {
			all = append(all, word)
		}
	}
	return all
}

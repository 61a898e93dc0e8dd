package config

import (
	"fmt"
	"io"
	"iter"
	"strings"
)

// Get is the value in force of a keyword (in any case), the first of several,
// or ssh's default, as ssh -G prints it; "" where there is none. The lists
// that ssh prints on one line, as UserKnownHostsFile, come as that line.
func (h *Host) Get(keyword string) string {
	for o := range h.options(lookup(keyword)) {
		return o.Value
	}
	return ""
}

// All are all values of a keyword, and each word of a list that ssh prints on
// one line.
func (h *Host) All(keyword string) []string {
	k := lookup(keyword)
	var all []string
	if h.r.dialect.shape(k) == joined {
		for _, v := range h.values(k) {
			all = append(all, v.text)
		}
		return all
	}
	for o := range h.options(k) {
		all = append(all, o.Value)
	}
	return all
}

// IsSet tells whether a file or the command line set the keyword, and where.
// It is true for "none", too.
func (h *Host) IsSet(keyword string) (Origin, bool) {
	slot := lookup(keyword)
	if slot == kDynamicForward {
		slot = kLocalForward
	}
	for _, v := range h.r.set[slot] {
		if !v.implied && (v.fwd == nil || v.key == lookup(keyword)) {
			return v.at.origin(), true
		}
	}
	return Origin{}, false
}

// Options walks the options that a file or the command line set, in the order
// of ssh -G.
func (h *Host) Options() iter.Seq[Option] {
	return func(yield func(Option) bool) {
		for o := range h.AllOptions() {
			if o.Origin != (Origin{}) && !yield(o) {
				return
			}
		}
	}
}

// AllOptions walks all that ssh -G prints, ssh's defaults with it.
func (h *Host) AllOptions() iter.Seq[Option] {
	return func(yield func(Option) bool) {
		for k := range h.r.dialect.printed() {
			for o := range h.options(k) {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// Line is an option of the host as a line of ssh -G.
func (h *Host) Line(o Option) string {
	if h.r.dialect.version < v10_6 && o.Key == keywords[kCanonicalizePermittedCNAMEs].name {
		return "canonicalizePermittedcnames " + o.Value // the slip is ssh's
	}
	return lower(o.Key) + " " + o.Value
}

// Lines are what ssh -G prints, without the newlines.
func (h *Host) Lines() []string {
	all := []string{"host " + h.Name}
	for o := range h.AllOptions() {
		all = append(all, h.Line(o))
	}
	return all
}

// Refusals are what stops ssh -G from printing the host, in the order in which
// it would say so; late are those that ssh comes across only when it connects.
func (h *Host) Refusals() (now, late []Problem) {
	for _, f := range h.r.refusals() {
		if f.late {
			late = append(late, f.Problem)
		} else {
			now = append(now, f.Problem)
		}
	}
	return now, late
}

// Is tells whether an option is that of a keyword, in any case or by an older
// name.
func (h *Host) Is(o Option, keyword string) bool {
	k := h.r.dialect.lookup(keyword)
	return k < keyCount && keywords[k].name == o.Key
}

// Knows tells whether the keyword (in any case, or an older name) is an option
// that ssh -G may print: this ssh has it, and it is not deprecated.
func (c *Config) Knows(keyword string) bool {
	k := c.dialect.lookup(keyword)
	return k >= kUser && k < keyCount && keywords[k].shape != hidden
}

// Dump writes what ssh -G prints for the host.
func (h *Host) Dump(w io.Writer) error {
	_, err := io.WriteString(w, strings.Join(h.Lines(), "\n")+"\n")
	return err
}

// values are the values of an option, ssh's default where nothing is set, and
// nothing where "none" was said.
func (h *Host) values(k key) []value {
	set := h.r.set[k]
	if len(set) > 0 {
		return cleared(k, set)
	}
	text, ok := h.r.dialect.defaults[k]
	if !ok {
		return nil
	}
	if h.r.dialect.shape(k) != joined {
		return []value{{key: k, text: text}}
	}
	var all []value
	for word := range strings.FieldsSeq(text) {
		if k == kUserKnownHostsFile {
			word = expandTilde(word, h.r.paths.Home)
		}
		all = append(all, value{key: k, text: word})
	}
	return cleared(k, all)
}

// cleared drops the "none" that fill_default_options and main of ssh drop.
func cleared(k key, set []value) []value {
	switch k {
	case kLocalCommand, kRemoteCommand, kProxyCommand, kControlPath, kRevokedHostKeys, kPKCS11Provider,
		kSecurityKeyProvider, kKnownHostsCommand, kGlobalKnownHostsFile, kUserKnownHostsFile:
		if equalFold(set[0].text, "none") {
			return nil
		}
	case kCanonicalizePermittedCNAMEs:
		if noCNAMEs(set) {
			return nil
		}
	}
	return set
}

// options are the lines of ssh -G for one keyword.
func (h *Host) options(k key) iter.Seq[Option] {
	return func(yield func(Option) bool) {
		if k < kUser || k >= keyCount || keywords[k].shape == hidden || !h.r.dialect.knows(k, keywords[k].lower) {
			return
		}
		for _, v := range h.printed(k) {
			o := Option{Key: keywords[k].name, Value: v.print()}
			if v.set {
				o.Origin = v.at.origin()
			}
			if !yield(o) {
				return
			}
		}
	}
}

// printed are the values that make the lines of ssh -G for one keyword, which
// for a few is not what was set.
func (h *Host) printed(k key) []value {
	r := h.r
	switch k {
	case kHostName:
		return h.inPlace(k, r.host)
	case kUser:
		return h.inPlace(k, r.user())
	case kPort:
		return h.inPlace(k, r.port())
	case kCiphers, kMACs, kKexAlgorithms, kHostKeyAlgorithms, kHostbasedAcceptedAlgorithms, kPubkeyAcceptedAlgorithms, kCASignatureAlgorithms:
		if len(r.set[k]) == 0 {
			return []value{{key: k, text: strings.Join(r.dialect.list(k).defaults, ",")}}
		}
	case kServerAliveInterval:
		if len(r.set[k]) == 0 && r.dialect.debian && r.text(kBatchMode) == "yes" {
			return []value{{key: k, text: "300"}} // keepalive-extensions.patch
		}
	case kClearAllForwardings, kExitOnForwardFailure:
		if len(r.set[k]) == 0 && r.match.Stdio {
			return []value{{key: k, text: "yes"}}
		}
	case kUpdateHostKeys:
		return h.inPlace(k, h.updateHostKeys())
	case kProxyUseFdpass:
		if r.jump() != nil {
			return h.inPlace(k, "no")
		}
	case kForwardAgent:
		if len(r.set[kForwardAgentPath]) > 0 {
			return r.set[kForwardAgentPath]
		}
	case kRekeyLimit:
		return h.inPlace(k, r.orDefault(kRekeyLimit)+" "+r.orDefault(kRekeyInterval))
	case kDynamicForward, kLocalForward, kRemoteForward:
		return h.forwards(k)
	case kIdentityFile:
		return h.identityFiles()
	case kProxyCommand:
		if r.jump() != nil {
			return nil
		}
	case kProxyJump:
		if r.jump() == nil {
			return nil
		}
	}
	values := h.values(k)
	if h.r.dialect.shape(k) == joined {
		return h.join(k, values)
	}
	return values
}

// inPlace is a text that stands for what was set, with its origin.
func (h *Host) inPlace(k key, text string) []value {
	v := value{key: k, text: text}
	if set := h.r.set[k]; len(set) > 0 && !set[0].implied {
		v.at, v.set = set[0].at, true
	}
	return []value{v}
}

// join puts a list on one line.
func (h *Host) join(k key, values []value) []value {
	if len(values) == 0 {
		return h.inPlace(k, "none")
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.text
	}
	return h.inPlace(k, strings.Join(texts, " "))
}

// updateHostKeys is on by default only for someone who has not gone their own
// way with known_hosts; "ask" needs somebody to be asked.
func (h *Host) updateHostKeys() string {
	r := h.r
	if mode := r.text(kUpdateHostKeys); mode != "" && mode != "ask" {
		return mode
	} else if mode == "" {
		files := r.rawKnownHosts
		usual := files == "" || files == "~/.ssh/known_hosts"
		if dns := r.text(kVerifyHostKeyDNS); usual && (dns == "" || dns == "false") {
			return "true"
		}
		return "false"
	}
	persists := r.text(kControlPersist) != "" && r.text(kControlPersist) != "no" && r.isValue(kControlPath)
	commands := r.match.Command != "" || r.isValue(kRemoteCommand) || r.text(kRequestTTY) == "false"
	if persists || commands || quiet(r.text(kLogLevel)) {
		return "false"
	}
	return "ask"
}

// quiet tells a LogLevel below INFO.
func quiet(level string) bool {
	return level == "SILENT" || level == "QUIET" || level == "FATAL" || level == "ERROR"
}

// forwards are the forwards that ssh -G lists under a keyword. It tells
// dynamic ones by the far end, so one whose far end is a socket is listed
// twice, and one to a host named "socks" as dynamic.
func (h *Host) forwards(k key) []value {
	if k == kRemoteForward {
		return h.r.set[k]
	}
	var listed []value
	for _, v := range h.r.set[kLocalForward] {
		far := v.fwd.connect
		socks := v.fwd.dynamic || far.path == "" && far.host == "socks"
		if socks && k == kLocalForward || !socks && far.path == "" && k == kDynamicForward {
			continue
		}
		v.key = k
		listed = append(listed, v)
	}
	return listed
}

// identityDir is where ssh looks for the usual key files.
const identityDir = "~/.ssh/"

func (h *Host) identityFiles() []value {
	if set := h.r.set[kIdentityFile]; len(set) > 0 {
		return set
	}
	var all []value
	for _, name := range h.r.dialect.identities {
		all = append(all, value{key: kIdentityFile, text: identityDir + name})
	}
	return all
}

// print is the value as ssh -G prints it.
func (v value) print() string {
	switch {
	case v.jump != nil && v.jump.none:
		return "none"
	case v.jump != nil:
		return v.jump.String()
	case v.fwd == nil:
		return v.text
	case v.key == kDynamicForward:
		return v.fwd.listen.String()
	case v.fwd.dynamic:
		return fmt.Sprintf("%s [socks]:0", v.fwd.listen)
	}
	return v.fwd.listen.String() + " " + v.fwd.connect.String()
}

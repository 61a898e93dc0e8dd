package config

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// words is the line being read, as its reader sees it.
type words struct {
	key     key
	name    string   // the keyword as written, in lower case: it stands in messages
	rest    string   // all that follows the keyword
	args    []string // the words of rest that are still to be read
	dialect *dialect
	cmdline bool // -o: hosts of jumps are checked more strictly

	out []value // what the line says
}

// value is one value of an option.
type value struct {
	key  key
	text string
	fwd  *forward // of LocalForward, RemoteForward and DynamicForward
	jump *jump    // of ProxyJump
	at   place
	set  bool // a file or the command line set it
	flag bool // it was a -i, or given by -l or with the host
	// implied says that no line set it, but ssh acts as if one had.
	implied bool
}

// reader reads the words of one line into out. What it returns is why ssh
// refuses the line, in ssh's words, "" if it does not. It must not look at
// other lines.
type reader func(w *words) (refusal string)

// next takes a word away; ok is false where none is left.
func (w *words) next() (word string, ok bool) {
	if len(w.args) == 0 {
		return "", false
	}
	word, w.args = w.args[0], w.args[1:]
	return word, true
}

func (w *words) consume() { w.args = nil }

func (w *words) emit(k key, text string) { w.out = append(w.out, value{key: k, text: text}) }

const missing = "Missing argument."

func readString(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	w.emit(w.key, arg)
	return ""
}

// readCommand takes the rest of the line as it stands, comments and all.
func readCommand(w *words) string {
	w.emit(w.key, strings.TrimLeft(w.rest, white+"="))
	w.consume()
	return ""
}

// readChoice reads one word of the keyword's list.
func readChoice(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return "missing argument."
	}
	text, ok := w.dialect.choice(w.key)[lower(arg)]
	if !ok {
		return fmt.Sprintf("unsupported option \"%s\".", Printable(arg))
	}
	w.emit(w.key, text)
	return ""
}

func readInt(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return "integer value missing."
	}
	n, why := number(arg, 0, math.MaxInt32)
	if why != "" {
		return "integer value " + why + "."
	}
	w.emit(w.key, strconv.FormatInt(n, 10))
	return ""
}

func readPort(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	port, ok := parsePort(arg)
	if !ok || port == 0 {
		return fmt.Sprintf("Bad port '%s'.", Printable(arg))
	}
	w.emit(w.key, strconv.Itoa(port))
	return ""
}

func readTime(w *words) string {
	return readTimeAs(w, w.key)
}

// readTimeAs reads seconds. The word "none" leaves the option as it is, so
// that a later line can still set it.
func readTimeAs(w *words, k key) string {
	arg, _ := w.next()
	switch {
	case arg == "":
		return "missing time value."
	case arg == "none":
		return ""
	}
	seconds, ok := w.dialect.seconds(arg)
	if !ok {
		return "invalid time value."
	}
	w.emit(k, strconv.Itoa(seconds))
	return ""
}

// readRevoked reads the files of RevokedHostKeys.
func readRevoked(w *words) string {
	if w.dialect.version < v10_3 {
		return readString(w)
	}
	return readWords(w)
}

// readWords reads a list of words in which "none" must stand alone.
func readWords(w *words) string {
	for i := 0; ; i++ {
		arg, ok := w.next()
		if !ok {
			return ""
		}
		if arg == "" {
			return "keyword " + w.name + " empty argument"
		}
		if why := w.lonely(arg, i); why != "" {
			return why
		}
		w.emit(w.key, arg)
	}
}

// lonely refuses a "none" that is not the only word.
func (w *words) lonely(arg string, i int) string {
	if equalFold(arg, "none") && (i > 0 || len(w.args) > 0) {
		return fmt.Sprintf("keyword %s \"none\" argument must appear alone.", w.name)
	}
	return ""
}

// specified refuses a list without words, which older releases let pass.
func (w *words) specified(count int) string {
	if count == 0 && w.dialect.version >= v10_0 {
		return "no " + w.name + " specified"
	}
	return ""
}

func readDomains(w *words) string {
	for i := 0; ; i++ {
		arg, ok := w.next()
		if !ok {
			return w.specified(i)
		}
		if arg == "" && w.dialect.version < v10_0 {
			return "keyword " + w.name + " empty argument"
		}
		if why := w.lonely(arg, i); why != "" {
			return why
		}
		domain, why := parseDomain(arg)
		if why != "" {
			return why
		}
		w.emit(w.key, lower(domain))
	}
}

func readCNAMEs(w *words) string {
	for i := 0; ; i++ {
		arg, ok := w.next()
		if !ok {
			return w.specified(i)
		}
		if why := w.lonely(arg, i); why != "" {
			return why
		}
		switch {
		case equalFold(arg, "none"):
			w.emit(w.key, arg+":")
			continue
		case arg == "*":
			w.emit(w.key, "*:*")
			continue
		}
		arg = lower(arg)
		if sources, targets, ok := strings.Cut(arg, ":"); !ok || targets == "" {
			return fmt.Sprintf("Invalid permitted CNAME \"%s\"", Printable(arg))
		} else {
			w.emit(w.key, sources+":"+targets)
		}
	}
}

func readPermits(w *words) string {
	for i := 0; ; i++ {
		arg, ok := w.next()
		if !ok && i == 0 {
			return "missing permitremoteopen specification"
		}
		if !ok {
			return ""
		}
		if equalFold(arg, "none") || equalFold(arg, "any") {
			if i > 0 || len(w.args) > 0 {
				return fmt.Sprintf("keyword %s \"%s\" argument must appear alone.", w.name, arg)
			}
		} else if why := checkPermit(arg); why != "" {
			return why
		}
		w.emit(w.key, arg)
	}
}

func checkPermit(arg string) string {
	_, port, delim, ok := hostField(arg)
	if !ok || delim == '/' {
		return "missing host in permitremoteopen"
	}
	if delim != 0 && port == "*" {
		return ""
	}
	if n, ok := parsePort(port); delim == 0 || !ok || n == 0 {
		return "bad port number in permitremoteopen"
	}
	return ""
}

func readSendEnv(w *words) string {
	for i := 0; ; i++ {
		arg, ok := w.next()
		if !ok {
			return w.specified(i)
		}
		if arg == "" || strings.Contains(arg, "=") {
			return "Invalid environment name."
		}
		w.emit(w.key, arg)
	}
}

func readSetEnv(w *words) string {
	for i := 0; ; i++ {
		arg, ok := w.next()
		if !ok {
			return w.specified(i)
		}
		name, _, ok := strings.Cut(arg, "=")
		if !ok {
			return "Invalid SetEnv."
		}
		if !w.hasEnv(name) {
			w.emit(w.key, arg)
		}
	}
}

// hasEnv tells whether the line has set the variable already.
func (w *words) hasEnv(name string) bool {
	for _, v := range w.out {
		if strings.HasPrefix(v.text, name+"=") {
			return true
		}
	}
	return false
}

func readForward(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	spec, dynamic := arg, w.key == kDynamicForward
	if !dynamic {
		target, ok := w.next()
		switch {
		case ok && target != "":
			spec = arg + ":" + target
		case w.key == kRemoteForward:
			dynamic = true
		default:
			return "Missing target argument."
		}
	}
	if len(spec) > longestForward {
		spec = spec[:longestForward]
	}
	fwd, ok := parseForward(spec, dynamic, w.key == kRemoteForward)
	if !ok {
		return "Bad forwarding specification."
	}
	w.out = append(w.out, value{key: w.key, fwd: fwd})
	return ""
}

func readJump(w *words) string {
	j, refusal := w.jump()
	if refusal == "" {
		w.out = append(w.out, value{key: kProxyJump, jump: &j})
	}
	return refusal
}

// jump reads the whole line as a ProxyJump.
func (w *words) jump() (j jump, refusal string) {
	spec := strings.TrimLeft(w.rest, white+"=")
	j, ok := w.dialect.parseJump(spec, w.cmdline)
	if !ok {
		return j, fmt.Sprintf("Invalid ProxyJump \"%s\"", Printable(spec))
	}
	w.consume()
	return j, ""
}

func readForwardAgent(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return "missing argument."
	}
	if text, ok := onOff[lower(arg)]; ok {
		w.emit(kForwardAgent, text)
		return ""
	}
	w.emit(kForwardAgent, "yes")
	return readAgentAs(w, kForwardAgentPath, arg)
}

func readAgent(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	return readAgentAs(w, kIdentityAgent, arg)
}

// readAgentAs reads the path of a socket, ${VAR} in it, or $VAR alone.
func readAgentAs(w *words, k key, arg string) string {
	if _, err := expandEnv(arg); err != nil {
		return fmt.Sprintf("Invalid environment expansion %s.", Printable(arg))
	}
	if strings.HasPrefix(arg, "$") && !strings.HasPrefix(arg, "${") && !validEnvName(arg[1:]) {
		return fmt.Sprintf("Invalid environment name %s.", Printable(arg))
	}
	w.emit(k, arg)
	return ""
}

func validEnvName(name string) bool {
	for i := 0; i < len(name); i++ {
		if !alnum(name[i]) && name[i] != '_' {
			return false
		}
	}
	return name != ""
}

func alnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func readAddKeys(w *words) string {
	arg, _ := w.next()
	life, timed := w.next()
	state, known := agents[lower(arg)]
	switch {
	case arg == "":
		return "missing argument."
	case state == "confirm" && timed:
		seconds, ok := w.dialect.seconds(life)
		if !ok {
			return "invalid time value."
		}
		if seconds > 0 {
			state += " " + strconv.Itoa(seconds)
		}
	case !known && !timed:
		seconds, ok := w.dialect.seconds(arg)
		if !ok {
			return "unsupported option"
		}
		if state = "true"; seconds > 0 {
			state = strconv.Itoa(seconds)
		}
	case !known || timed:
		return "unsupported option"
	}
	w.emit(kAddKeysToAgent, state)
	return ""
}

func readPersist(w *words) string {
	arg, _ := w.next()
	switch arg {
	case "":
		return "Missing ControlPersist argument."
	case "no", "false":
		w.emit(kControlPersist, "no")
		return ""
	case "yes", "true":
		w.emit(kControlPersist, "yes")
		return ""
	}
	seconds, ok := w.dialect.seconds(arg)
	switch {
	case !ok:
		return "Bad ControlPersist argument."
	case seconds == 0:
		w.emit(kControlPersist, "yes")
	default:
		w.emit(kControlPersist, strconv.Itoa(seconds))
	}
	return ""
}

func readRekeyLimit(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	var limit int64
	if arg != "default" {
		var why string
		if limit, why = parseSize(arg); why != "" {
			return fmt.Sprintf("Bad number '%s': %s", Printable(arg), why)
		}
		if limit != 0 && limit < 16 {
			return "RekeyLimit too small"
		}
	}
	w.emit(kRekeyLimit, strconv.FormatInt(limit, 10))
	if len(w.args) == 0 {
		return ""
	}
	return readTimeAs(w, kRekeyInterval)
}

func readTunnelDevice(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	local, remote, both := strings.Cut(arg, ":")
	if !both {
		remote = "any"
	}
	l, lok := parseTunnel(local)
	r, rok := parseTunnel(remote)
	if !lok || !rok {
		return "Bad tun device."
	}
	w.emit(kTunnelDevice, l+":"+r)
	return ""
}

func readEscapeChar(w *words) string {
	arg, _ := w.next()
	switch {
	case arg == "":
		return missing
	case arg == "none":
		w.emit(kEscapeChar, arg)
	case len(arg) == 1:
		w.emit(kEscapeChar, vis(arg[0]))
	case len(arg) == 2 && arg[0] == '^' && arg[1] >= 64 && arg[1] < 128:
		w.emit(kEscapeChar, vis(arg[1]&31))
	default:
		return "Bad escape character."
	}
	return ""
}

// vis shows a byte as ssh -G does (vis(3) with VIS_WHITE).
func vis(c byte) string {
	switch {
	case c == '\\':
		return `\\`
	case c > ' ' && c < 0x7f:
		return string(rune(c))
	case c&0x7f == ' ':
		return fmt.Sprintf(`\%03o`, c)
	}
	prefix := `\`
	if c >= 0x80 {
		prefix, c = `\M`, c&0x7f
	}
	switch {
	case c == 0x7f:
		return prefix + "^?"
	case c < ' ':
		return prefix + "^" + string(rune(c+'@'))
	}
	return prefix + "-" + string(rune(c))
}

func readIPQoS(w *words) string {
	var texts [2]string
	for i := range texts {
		arg, ok := w.next()
		if !ok && i == 1 {
			texts[1] = texts[0]
			break
		}
		if texts[i], ok = parseQoS(arg, w.dialect.modernQoS); !ok {
			return "Bad IPQoS value: " + Printable(arg)
		}
	}
	w.emit(kIPQoS, texts[0]+" "+texts[1])
	return ""
}

func readBindMask(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return "Missing StreamLocalBindMask argument."
	}
	n, digits := octal(arg)
	if digits == 0 || n < 0 || n > 0o777 {
		return "Bad mask."
	}
	w.emit(kStreamLocalBindMask, fmt.Sprintf("0%o", n))
	return ""
}

// readers of words from fixed lists

var digests = map[string]string{"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512"}

func readDigest(w *words) string {
	arg, _ := w.next()
	if arg == "" {
		return missing
	}
	text, ok := digests[lower(arg)]
	if !ok {
		return fmt.Sprintf("Invalid hash algorithm \"%s\".", Printable(arg))
	}
	w.emit(w.key, text)
	return ""
}

func readLogLevel(w *words) string {
	arg, ok := w.next()
	if !ok {
		return "unsupported log level '<NONE>'"
	}
	text, ok := w.dialect.logLevels[lower(arg)]
	if !ok {
		return fmt.Sprintf("unsupported log level '%s'", Printable(arg))
	}
	w.emit(w.key, text)
	return ""
}

var facilities = map[string]string{"daemon": "DAEMON", "user": "USER", "auth": "AUTH", "authpriv": "AUTHPRIV",
	"local0": "LOCAL0", "local1": "LOCAL1", "local2": "LOCAL2", "local3": "LOCAL3",
	"local4": "LOCAL4", "local5": "LOCAL5", "local6": "LOCAL6", "local7": "LOCAL7"}

func readFacility(w *words) string {
	arg, ok := w.next()
	if !ok {
		return "unsupported log facility '<NONE>'"
	}
	text, ok := facilities[lower(arg)]
	if !ok {
		return fmt.Sprintf("unsupported log facility '%s'", Printable(arg))
	}
	w.emit(w.key, text)
	return ""
}

// expandEnv puts environment variables in place of ${NAME}.
func expandEnv(s string) (string, error) { return expand(s, nil, os.LookupEnv) }

// usualInterval is the milliseconds of ObscureKeystrokeTiming yes.
const usualInterval = 20

// readObscure reads ObscureKeystrokeTiming: yes, no, or "interval:N" in
// milliseconds from 1 to 1000.
func readObscure(w *words) string {
	arg, ok := w.next()
	interval, timed := strings.CutPrefix(arg, "interval:")
	switch {
	case !ok:
		return "missing argument"
	case arg == "yes" || arg == "true":
		w.emit(w.key, "yes")
	case arg == "no" || arg == "false":
		w.emit(w.key, "no")
	case !timed:
		return fmt.Sprintf("unsupported argument \"%s\"", Printable(arg))
	default:
		return w.interval(interval)
	}
	if len(w.args) > 0 {
		return "invalid arguments"
	}
	return ""
}

func (w *words) interval(s string) string {
	n, why := number(s, 0, math.MaxInt32)
	switch {
	case s == "":
		return "integer value missing."
	case why != "":
		return "integer value " + why + "."
	case n < 1 || n > 1000:
		return "value out of range."
	case len(w.args) > 0:
		return "invalid arguments"
	case n == usualInterval:
		w.emit(w.key, "yes")
	default:
		w.emit(w.key, strconv.FormatInt(n, 10))
	}
	return ""
}

// readVersionAddendum takes the rest of the line. readconf.c means to cut a
// comment off, but looks for it in the keyword.
func readVersionAddendum(w *words) string {
	text := w.rest
	if strings.Contains(text, "\r") {
		return "Invalid versionaddendum argument"
	}
	if equalFold(text, "none") {
		text = ""
	}
	w.emit(w.key, text)
	w.consume()
	return ""
}

// readChannelTimeout reads type=time words.
func readChannelTimeout(w *words) string {
	for i := 0; ; i++ {
		arg, ok := w.next()
		if !ok {
			return w.specified(i)
		}
		if why := w.lonely(arg, i); why != "" {
			return why
		}
		kind, timeout, timed := strings.Cut(arg, "=")
		if ok := w.dialect.isTimeout(timeout); !equalFold(arg, "none") && (!timed || kind == "" || !ok) {
			return "invalid channel timeout " + Printable(arg)
		}
		w.emit(w.key, arg)
	}
}

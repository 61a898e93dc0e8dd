package config

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

var (
	pairs = flag.Int("pairs", 400, "random (config, host) `pairs` to compare with ssh -G")
	seed  = flag.Uint64("seed", 1, "`seed` of the first random config")
)

// perConfig is how many hosts are asked for of one configuration.
const perConfig = 2

func TestRandomConfigsResolveAsSSHDoes(t *testing.T) {
	askSSH(t, "none", "web", Match{}) // skips where there is none
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range cap(oracle) {
		workers.Go(func() {
			for s := range seeds {
				compareRandom(t, s)
			}
		})
	}
	for i := range uint64(*pairs / perConfig) {
		seeds <- *seed + i
	}
	close(seeds)
	workers.Wait()
}

func compareRandom(t *testing.T, s uint64) {
	g := generator{rand.New(rand.NewPCG(s, 0))}
	r := g.row()
	dir := writeRow(t, r)
	for range perConfig {
		host := g.pick(randomHosts)
		r.match = g.match()
		theirs := askSSH(t, dir+"/config", host, r.match)
		m := r.match
		m.Execute = true
		h, _ := Load(Paths{User: dir + "/config", Home: homeOf(t), Explicit: true}).Resolve(host, m)
		if why := disagree(h, theirs); why != "" {
			t.Errorf("seed %d, host %s, %+v: %s\n--- config\n%s\n--- included\n%v\n--- ssh says\n%s", s, host, r.match, why, r.text, r.files, strings.Join(theirs.stderr, "\n"))
		}
	}
}

func homeOf(t *testing.T) string {
	p, err := DefaultPaths()
	if err != nil {
		t.Fatal(err)
	}
	return p.Home
}

var randomHosts = []string{"web", "web1", "db", "db.example.org", "WEB", "a-b_c", "10.0.0.1", "bastion"}

// generator makes plausible configurations, and now and then a fault.
type generator struct{ *rand.Rand }

func (g generator) pick(words []string) string { return words[g.IntN(len(words))] }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g generator) row() row {
	r := row{files: map[string]string{}}
	for i := range g.IntN(4) {
		r.files[fmt.Sprintf("inc/f%d.conf", i)] = g.file(2, i)
	}
	r.text = g.file(6, -1)
	return r
}

// file has some blocks; depth is its number among the included files, which
// may only include those before.
func (g generator) file(blocks, number int) string {
	var b strings.Builder
	newline := "\n"
	if g.chance(10) {
		newline = "\r\n"
	}
	for i := range g.IntN(blocks) + 1 {
		if i > 0 || g.chance(50) {
			b.WriteString(g.head() + newline)
		}
		for range g.IntN(6) {
			b.WriteString(g.line(number) + newline)
		}
	}
	text := b.String()
	if g.chance(10) {
		text = strings.TrimRight(text, "\r\n")
	}
	return text
}

var (
	patterns   = []string{"web", "db", "*", "w*", "*.example.org", "web?", "!web", "!db*", "10.*", "bastion", "\"web\"", "'d'b", "a-b_c", "*1", "WEB", "x,web"}
	conditions = []string{"all", "host web", "host web,db", "host !web,*", "originalhost db*", "user root", "user bob,al*", "localuser root",
		"exec true", "exec \"false\"", "exec \"test %h = web\"", "!host db", "!user bob", "final", "canonical", "!final host w*", "host \"*.org\"", "HOST=web", "exec 'exit 3'", "host web user bob", "final all"}
)

func (g generator) head() string {
	indent := g.pick([]string{"", "", "", " ", "\t"})
	comment := g.pick([]string{"", "", "", " # x", " #"})
	if g.chance(25) {
		return indent + g.pick([]string{"Match ", "match  ", "Match\t", "MATCH = "}) + g.pick(conditions) + comment
	}
	words := make([]string, g.IntN(3)+1)
	for i := range words {
		words[i] = g.pick(patterns)
	}
	return indent + g.pick([]string{"Host ", "host\t", "Host=", "HOST  ", "\"Host\" "}) + strings.Join(words, g.pick([]string{" ", "  ", "\t"})) + comment
}

// values that a random line may have. Those after "!" are faults.
var randomValues = map[string][]string{
	"User":                     {"bob", "alice", "\"a b\"", "yes#no", "a\\ b", "!", "!\"x"},
	"HostName":                 {"real.example.org", "%h.example.org", "192.168.001.1", "UPPER.org", "::1", "%%x", "!%n"},
	"Port":                     {"22", "2222", "00080", "ssh", "!0", "!x"},
	"IdentityFile":             {"~/.ssh/id_a", "~/.ssh/%h_%r", "\"/k e y\"", "none", "${HOME}/k", "~/.ssh/id_a"},
	"CertificateFile":          {"~/c", "/c-%u"},
	"ProxyJump":                {"bastion", "none", "bob@bastion:2222", "a,b,c", "[2001:db8::1]:22", "ssh://x@y:23", "web", "!a,", "a b", "a # b"},
	"ProxyCommand":             {"nc %h %p", "none", "ssh -W %h:%p gate # x", "=nc", "!nc 'x"},
	"LocalForward":             {"8080 localhost:80", "localhost:1 a:2", "[::1]:3 [::2]:4", "/run/%h.sock /x/y", "5 /run/z", "!6", "*:7 b:8", "8080 localhost:80"},
	"RemoteForward":            {"9000 localhost:90", "9001", "/r/s.sock a:1", "0 c:2", "!x"},
	"DynamicForward":           {"1080", "*:1081", "!0"},
	"SendEnv":                  {"LANG LC_*", "-LC_*", "A B -A", "FOO", "!A=b"},
	"SetEnv":                   {"A=1", "A=1 B=\"2 3\"", "C=4 C=5", "!A"},
	"UserKnownHostsFile":       {"~/.ssh/known_hosts", "~/.ssh/kh_%h /dev/null", "none", "!a none"},
	"GlobalKnownHostsFile":     {"/etc/kh", "a b", "none"},
	"ControlPath":              {"~/.ssh/%C", "/tmp/%r@%h:%p", "none", "\"~/a b\"", "${HOME}/cp-%n", "!%z", "!${NOSUCHVAR}"},
	"ControlMaster":            {"auto", "yes", "no"},
	"ControlPersist":           {"yes", "10m", "0", "1h30m", "no"},
	"ServerAliveInterval":      {"30", "1m", "0", "none", "!x"},
	"ServerAliveCountMax":      {"3", "+5", "!-1"},
	"ConnectTimeout":           {"10", "none", "1m"},
	"Compression":              {"yes", "no", "!true"},
	"ForwardAgent":             {"yes", "no", "/tmp/agent", "$SSH_AUTH_SOCK"},
	"ForwardX11":               {"yes", "no", "true"},
	"StrictHostKeyChecking":    {"no", "accept-new", "yes", "ask", "off"},
	"Ciphers":                  {"+aes128-cbc", "aes256-ctr", "-aes*", "^aes256-gcm@openssh.com", "!foo"},
	"MACs":                     {"-*sha1*", "hmac-sha2-256,hmac-sha2-512", "!bar"},
	"KexAlgorithms":            {"^curve25519-sha256", "-diffie*", "+diffie-hellman-group14-sha1"},
	"HostKeyAlgorithms":        {"+ssh-rsa", "ssh-ed25519", "-*cert*", "ssh-*"},
	"PubkeyAcceptedAlgorithms": {"+ssh-rsa", "-rsa*"},
	"PreferredAuthentications": {"publickey,password,", "keyboard-interactive"},
	"LogLevel":                 {"INFO", "quiet", "DEBUG2", "ERROR", "!loud"},
	"RequestTTY":               {"yes", "force", "no"},
	"RemoteCommand":            {"none", "uptime", "echo %h %%"},
	"LocalCommand":             {"echo %n", "none"},
	"PermitLocalCommand":       {"yes", "no"},
	"IPQoS":                    {"af21 cs1", "none", "0x20", "ef lowdelay"},
	"RekeyLimit":               {"1G 1h", "default none", "500M", "!x"},
	"EscapeChar":               {"none", "^]", "%"},
	"AddKeysToAgent":           {"yes", "confirm 5m", "1h", "ask"},
	"UpdateHostKeys":           {"ask", "yes", "no"},
	"VerifyHostKeyDNS":         {"yes", "ask"},
	"BatchMode":                {"yes", "no"},
	"HostKeyAlias":             {"Alias", "%h"},
	"IdentityAgent":            {"none", "~/agent", "SSH_AUTH_SOCK", "/run/%u"},
	"IdentitiesOnly":           {"yes", "no"},
	"AddressFamily":            {"inet", "inet6", "any"},
	"CanonicalizeHostname":     {"no"},
	"CanonicalDomains":         {"example.org", "none", "A.b."},
	"StreamLocalBindMask":      {"0111", "0177"},
	"SyslogFacility":           {"AUTH", "local3"},
	"TunnelDevice":             {"any", "3:4"},
	"Tunnel":                   {"yes", "ethernet", "no"},
	"IgnoreUnknown":            {"Foo*", "UseKeychain,Tag"},
	"LogVerbose":               {"a:b b:c", "none"},
	"PermitRemoteOpen":         {"a:1 b:*", "any"},
	"Protocol":                 {"2"},
	"GSSAPIAuthentication":     {"yes", "no"},
	"ClearAllForwardings":      {"no", "yes"},
	"ExitOnForwardFailure":     {"no"},
	"HashKnownHosts":           {"yes"},
	"XAuthLocation":            {"/opt/X11/bin/xauth"},
	"RSAAuthentication":        {"yes"},
}

var randomKeys = sortedKeys(randomValues)

func (g generator) line(number int) string {
	switch {
	case g.chance(6):
		return g.pick([]string{"", "# comment", "\t# Tags: a, b", "  "})
	case g.chance(5):
		return "  Include " + g.include(number)
	case g.chance(1):
		return g.pick([]string{"Foo bar", "UseKeychain yes", "Tag x", "bare", "User", "\"User x", "\x00", "Port 22 23", "User \"\""})
	}
	key := g.pick(randomKeys)
	value := g.pick(randomValues[key])
	if fault, ok := strings.CutPrefix(value, "!"); ok {
		if !g.chance(5) {
			return "# " + key
		}
		value = fault
	}
	return g.pick([]string{"  ", "\t", "", "    "}) + g.spell(key) + g.pick([]string{" ", " ", "=", " = ", "\t", "   "}) + value + g.pick([]string{"", "", "", " ", "\t"})
}

func (g generator) include(number int) string {
	if number == 0 || number < 0 && g.chance(50) {
		return g.pick([]string{"DIR/none*", "DIR/inc/f0.con[fg]", "DIR/missing"})
	}
	if number > 0 {
		return fmt.Sprintf("DIR/inc/f%d.conf", g.IntN(number))
	}
	return g.pick([]string{"DIR/inc/*.conf", "DIR/inc/f1.conf DIR/inc/f?.conf", "\"DIR/inc/f0.conf\"", "DIR/inc/f2.conf"})
}

func (g generator) spell(key string) string {
	switch g.IntN(8) {
	case 0:
		return strings.ToLower(key)
	case 1:
		return strings.ToUpper(key)
	}
	return key
}

func (g generator) match() Match {
	var m Match
	if g.chance(15) {
		m.User = g.pick([]string{"bob", "carol"})
	}
	if g.chance(10) {
		m.Port = "2022"
	}
	if g.chance(10) {
		m.Options = append(m.Options, g.pick([]string{"User=dave", "ProxyJump none", "IdentityFile ~/o", "Compression=yes", "IgnoreUnknown=*"}))
	}
	return m
}

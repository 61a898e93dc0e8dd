package transport

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/config"
)

// ways are the hops of a chain as a person would write them.
func ways(c Chain) []string {
	var hops []string
	for _, hop := range c {
		s := hop.Host.Name + " = " + address(hop.Host)
		if hop.Command != "" {
			s += " | " + hop.Command
		}
		hops = append(hops, s)
	}
	return hops
}

func TestPlanFollowsJumps(t *testing.T) {
	for _, test := range []struct {
		name, config, host string
		match              config.Match
		want               []string
	}{
		{
			name:   "a host without a jump is dialled from here",
			config: "Host a\n User u\n Port 2200\n HostName 10.0.0.1\n",
			host:   "a",
			want:   []string{"a = u@10.0.0.1:2200"},
		},
		{
			name:   "a jump is resolved by its own Host block",
			config: "Host inner\n User i\n ProxyJump bastion\nHost bastion\n User b\n HostName gate.example\n Port 5022\n",
			host:   "inner",
			want:   []string{"bastion = b@gate.example:5022", "inner = i@inner:22"},
		},
		{
			name:   "user and port of the jump win over its block",
			config: "Host inner\n User i\n ProxyJump x@bastion:99\nHost bastion\n User b\n Port 5022\n",
			host:   "inner",
			want:   []string{"bastion = x@bastion:99", "inner = i@inner:22"},
		},
		{
			name:   "a list is gone through from left to right",
			config: "User u\nHost d\n ProxyJump a,b,c\n",
			host:   "d",
			want:   []string{"a = u@a:22", "b = u@b:22", "c = u@c:22", "d = u@d:22"},
		},
		{
			name:   "only the first of a list follows its own ProxyJump",
			config: "User u\nHost d\n ProxyJump b,c\nHost b\n ProxyJump a\nHost c\n ProxyJump elsewhere\n",
			host:   "d",
			want:   []string{"a = u@a:22", "b = u@b:22", "c = u@c:22", "d = u@d:22"},
		},
		{
			name:   "jumps of jumps are followed",
			config: "User u\nHost c\n ProxyJump b\nHost b\n ProxyJump a\n",
			host:   "c",
			want:   []string{"a = u@a:22", "b = u@b:22", "c = u@c:22"},
		},
		{
			name:   "none ends it",
			config: "User u\nHost a\n ProxyJump none\nHost *\n ProxyJump b\n",
			host:   "a",
			want:   []string{"a = u@a:22"},
		},
		{
			name:   "bracketed IPv6 and URI",
			config: "User u\nHost c\n ProxyJump ssh://x@a:2222,[::1]:23\n",
			host:   "c",
			want:   []string{"a = x@a:2222", "::1 = u@[::1]:23", "c = u@c:22"},
		},
		{
			name:   "-J wins over the file",
			config: "User u\nHost c\n ProxyJump b\n",
			host:   "c",
			match:  config.Match{Jump: "a"},
			want:   []string{"a = u@a:22", "c = u@c:22"},
		},
		{
			name:   "-l and -p are the goal's alone",
			config: "User u\nHost c\n ProxyJump b\n",
			host:   "c",
			match:  config.Match{User: "me", Port: "99"},
			want:   []string{"b = u@b:22", "c = me@c:99"},
		},
		{
			name:   "a ProxyCommand that is only an ssh is a hop",
			config: "User u\nHost c\n HostName c.lan\n ProxyCommand ssh b -W %h:%p\nHost b\n Port 77\n ProxyJump a\n",
			host:   "c",
			want:   []string{"a = u@a:22", "b = u@b:77", "c = u@c.lan:22"},
		},
		{
			name:   "another ProxyCommand is run, tokens expanded",
			config: "User u\nHost c\n HostName c.lan\n Port 2022\n ProxyCommand nc -X connect -x proxy:80 %h %p\n",
			host:   "c",
			want:   []string{"c = u@c.lan:2022 | nc -X connect -x proxy:80 c.lan 2022"},
		},
		{
			name:   "a jump with a ProxyCommand",
			config: "User u\nHost c\n ProxyJump b\nHost b\n ProxyCommand nc %h %p\n",
			host:   "c",
			want:   []string{"b = u@b:22 | nc b 22", "c = u@c:22"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Plan(load(t, test.config), test.host, test.match)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, ways(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanRefusesWhatLeadsNowhere(t *testing.T) {
	for _, test := range []struct {
		name, config, host string
		message, hint      []string // parts, in which %F is the file
		understood         []string
	}{
		{
			name:       "a jump to itself",
			config:     "Host a\n ProxyJump a\n",
			host:       "a",
			message:    []string{`the way to "a": %F: line 2: jumphost loop via a`},
			hint:       []string{"%F:2"},
			understood: []string{"a"},
		},
		{
			name:       "a circle of three, each line named",
			config:     "Host a\n ProxyJump b\nHost b\n ProxyJump c\nHost c\n ProxyJump a\n",
			host:       "a",
			message:    []string{`"a" via "b" via "c" via "a"`},
			hint:       []string{"%F:2", "%F:4", "%F:6"},
			understood: []string{"a", "c", "b", "a"},
		},
		{
			name:       "a circle through a ProxyCommand",
			config:     "Host a\n ProxyCommand ssh b -W %h:%p\nHost b\n ProxyJump a\n",
			host:       "a",
			message:    []string{`"a" via "b" via "a"`},
			hint:       []string{"%F:2", "%F:4"},
			understood: []string{"a", "b", "a"},
		},
		{
			name:       "a bastion that every host jumps through, itself too",
			config:     "Host *\n ProxyJump bastion\n",
			host:       "a",
			message:    []string{`the way to "bastion": %F: line 2: jumphost loop via bastion`},
			hint:       []string{"%F:2"},
			understood: []string{"bastion", "a"},
		},
		{
			name:       "a configuration that ssh refuses",
			config:     "Host a\n Port zero\n",
			host:       "a",
			message:    []string{"%F"},
			hint:       []string{"%F:2"},
			understood: []string{"a"},
		},
		{
			name:       "a jump's configuration that ssh refuses",
			config:     "Host a\n ProxyJump b\nHost b\n Nonsense yes\n",
			host:       "a",
			message:    []string{"%F"},
			hint:       []string{"%F:4"},
			understood: nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := load(t, test.config)
			chain, err := Plan(cfg, test.host, config.Match{})
			var f *Failure
			if !errors.As(err, &f) || f.Code != CodeConfig {
				t.Fatalf("Plan: %v, error %v", ways(chain), err)
			}
			for _, part := range test.message {
				if part = strings.ReplaceAll(part, "%F", cfg.Paths().User); !strings.Contains(f.Message, part) {
					t.Errorf("the message lacks %q: %s", part, f.Message)
				}
			}
			for _, part := range test.hint {
				if part = strings.ReplaceAll(part, "%F", cfg.Paths().User); !strings.Contains(f.Hint, part) {
					t.Errorf("the hint lacks %q: %s", part, f.Hint)
				}
			}
			if test.understood != nil {
				if diff := cmp.Diff(test.understood, chain.Names()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestOnlyAnSSHThatForwardsToTheHostIsAHop(t *testing.T) {
	for command, want := range map[string]*jump{
		"ssh b -W %h:%p":                  {host: "b"},
		"ssh -W %h:%p b":                  {host: "b"},
		"ssh -W%h:%p b":                   {host: "b"},
		"ssh -q b -W [%h]:%p":             {host: "b"},
		"ssh -q -W '[%h]:%p' b":           {host: "b"},
		"/usr/bin/ssh b -W \"%h:%p\"":     {host: "b"},
		"exec ssh b -W %h:%p":             {host: "b"},
		"ssh -qxT me@b -W %h:%p":          {user: "me", host: "b"},
		"ssh -l me -p 2222 b -W %h:%p":    {"me", "b", "2222"},
		"ssh -lme -qp2222 b -W %h:%p":     {"me", "b", "2222"},
		"ssh -l me you@b -W %h:%p":        {user: "me", host: "b"},
		"ssh you@b -l me -W %h:%p":        {user: "you", host: "b"},
		"ssh ssh://me@b:2222 -W %h:%p":    {"me", "b", "2222"},
		"ssh -W h.lan:2022 b":             {host: "b"},
		"ssh -W other:2022 b":             nil,
		"ssh -W %h:22 b":                  nil,
		"ssh b nc %h %p":                  nil,
		"ssh b":                           nil,
		"ssh -W %h:%p":                    nil,
		"ssh b c -W %h:%p":                nil,
		"ssh -W %h:%p b true":             nil,
		"ssh -i key b -W %h:%p":           nil,
		"ssh -o User=me b -W %h:%p":       nil,
		"ssh -F none b -W %h:%p":          nil,
		"ssh -J a b -W %h:%p":             nil,
		"ssh -A b -W %h:%p":               nil,
		"ssh b -W %h:%p 2>/dev/null":      nil,
		"ssh $BASTION -W %h:%p":           nil,
		"ssh b -W %h:%p; true":            nil,
		"ssh b -W %h:%p | cat":            nil,
		"LANG=C ssh b -W %h:%p":           nil,
		"/opt/wrapper/ssh b -W %h:%p":     nil,
		"sshpass -p x ssh b -W %h:%p":     nil,
		"ssh -- b -W %h:%p":               nil,
		"ssh -p 0 b -W %h:%p":             nil,
		"ssh -W %h:%p -W %h:%p b":         nil,
		"ssh b -W":                        nil,
		"nc %h %p":                        nil,
		"ssh '-oProxyCommand=x' -W %h:%p": nil,
	} {
		t.Run(command, func(t *testing.T) {
			cfg := load(t, fmt.Sprintf("Host h\n HostName h.lan\n Port 2022\n ProxyCommand %s\n", command))
			h, err := cfg.Resolve("h", config.Match{})
			if err != nil {
				t.Fatal(err)
			}
			got, ok := sshOnly(h.ProxyCommand(), h)
			if ok != (want != nil) || ok && got != *want {
				t.Errorf("sshOnly(%q) = %+v, %v", h.ProxyCommand(), got, ok)
			}
		})
	}
}

func FuzzShellWords(f *testing.F) {
	for _, s := range []string{"ssh b -W h:1", "a 'b c' \"d\"", "x'y'z", "[::1]:2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, ok := shellWords(s)
		if !ok {
			return
		}
		var quoted []string
		for _, w := range words {
			if strings.Contains(w, "'") {
				return
			}
			quoted = append(quoted, "'"+w+"'")
		}
		again, ok := shellWords(strings.Join(quoted, " "))
		if diff := cmp.Diff(words, again); !ok || diff != "" {
			t.Fatalf("%q: %s", s, diff)
		}
	})
}

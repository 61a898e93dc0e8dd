//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// onlyShownKeys keeps ssh from writing down, after a login, the keys that a
// server has besides the one that it showed.
const onlyShownKeys = "\nHost *\n    UpdateHostKeys no\n"

// fingerprint is ssh-keygen's of a public key.
func fingerprint(t *testing.T, c *client, public string) string {
	t.Helper()
	r := c.feed(public+"\n", "ssh-keygen", "-l", "-f", "-")
	fields := strings.Fields(r.Out)
	if len(fields) < 2 {
		t.Fatalf("ssh-keygen -l: %+v", r)
	}
	return fields[1]
}

// otherKey is a host key that nobody shows.
func otherKey(t *testing.T) string {
	t.Helper()
	_, public, err := keygen(t.TempDir(), "other", "-t", "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(public)
	return fields[0] + " " + fields[1]
}

func TestUnknownHostKeyIsAskedAboutAndRemembered(t *testing.T) {
	t.Parallel()
	for _, hashed := range []string{"yes", "no"} {
		for _, way := range openers {
			t.Run(fmt.Sprintf("HashKnownHosts %s/%s", hashed, way.name), func(t *testing.T) {
				t.Parallel()
				c := newClient(t, chainConfig+onlyShownKeys+"    HashKnownHosts "+hashed+"\n")
				l := c.lab
				before := l.servers[l.bastion].known("ed25519")
				c.file("/root/.ssh/known_hosts", before)
				shown := fingerprint(t, c, l.servers[l.inner].keys["ed25519"])

				p := way.open(t, c, "inner")
				p.wait(quoted(shown))
				if way.name == "screen" {
					p.wait(`inner, hop 2 of 2`)
					p.wait(`Accept and remember`)
					p.keys("Tab", "Enter")
				} else {
					p.line("yes")
				}
				p.wait(innerPrompt)
				p.line("exit 7")
				way.left(t, p, 7)

				c.remembersInner(before, hashed == "yes")
				if r := c.run("ssh", "-o", "StrictHostKeyChecking=yes", "inner", "true"); r.Status != 0 {
					t.Errorf("ssh does not accept what was remembered: %s", short(r))
				}
			})
		}
	}
}

// remembersInner sees that known_hosts has a new line for inner, and no other.
func (c *client) remembersInner(before string, hashed bool) {
	c.t.Helper()
	added, kept := strings.CutPrefix(c.read("/root/.ssh/known_hosts"), before)
	key := c.lab.servers[c.lab.inner].keys["ed25519"]
	if !kept || strings.Count(added, "\n") < 1 || !strings.Contains(added, key) {
		c.t.Fatalf("known_hosts does not hold inner's key after what it held before:\n%s", c.read("/root/.ssh/known_hosts"))
	}
	if strings.Contains(added, innerAddr) == hashed || strings.Contains(added, "|1|") != hashed {
		c.t.Errorf("known_hosts holds the name hashed: %v, want %v:\n%s", !hashed, hashed, added)
	}
	if found := c.must("ssh-keygen", "-F", innerAddr); !strings.Contains(found, key) {
		c.t.Errorf("ssh-keygen -F finds:\n%s", found)
	}
}

func TestDeclinedHostKeyIsNotRemembered(t *testing.T) {
	t.Parallel()
	for _, way := range openers {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, chainConfig+onlyShownKeys)
			before := c.lab.servers[c.lab.bastion].known("ed25519")
			c.file("/root/.ssh/known_hosts", before)
			p := way.open(t, c, "inner")
			p.wait(quoted(fingerprint(t, c, c.lab.servers[c.lab.inner].keys["ed25519"])))
			if way.name == "screen" {
				p.keys("Escape")
				p.waitGone(`Accept and remember`)
				(&screen{p}).list()
			} else {
				p.line("no")
				endsWith(t, p, 255)
			}
			if now := c.read("/root/.ssh/known_hosts"); now != before {
				t.Errorf("known_hosts was changed:\n%s", now)
			}
		})
	}
}

func TestChangedHostKeyIsRefusedAtItsHop(t *testing.T) {
	t.Parallel()
	for _, hop := range []string{"bastion", "inner"} {
		t.Run(hop, func(t *testing.T) {
			prepare := func(t *testing.T) (c *client, oldPrint, newPrint string) {
				c = newClient(t, chainConfig+onlyShownKeys)
				servers := map[string]*sshd{"bastion": c.lab.servers[c.lab.bastion], "inner": c.lab.servers[c.lab.inner]}
				lines := "# a comment in line 1\n"
				old := otherKey(t)
				for _, name := range []string{"bastion", "inner"} {
					if name == hop {
						lines += servers[name].m.addr + " " + old + "\n"
					} else {
						lines += servers[name].known("ed25519")
					}
				}
				c.file("/root/.ssh/known_hosts", lines)
				return c, fingerprint(t, c, old), fingerprint(t, c, servers[hop].keys["ed25519"])
			}
			line := map[string]string{"bastion": "known_hosts:2", "inner": "known_hosts:3"}[hop]
			t.Run("ssh", func(t *testing.T) {
				t.Parallel()
				c, _, newPrint := prepare(t)
				r := c.run("ssh", "inner", "true")
				if r.Status != 255 || !strings.Contains(r.Errors, newPrint) || !strings.Contains(r.Errors, line) {
					t.Errorf("ssh: %s", short(r))
				}
			})
			t.Run("sallyport", func(t *testing.T) {
				t.Parallel()
				c, oldPrint, newPrint := prepare(t)
				before := c.read("/root/.ssh/known_hosts")
				r := c.run("sallyport", "inner", "true")
				if r.Status != 255 || r.Out != "" {
					t.Errorf("a changed key at %s: %s", hop, short(r))
				}
				for _, part := range []string{oldPrint, newPrint, line, hop, "ssh-keygen"} {
					if !strings.Contains(r.Errors, part) {
						t.Errorf("the refusal does not say %q:\n%s", part, r.Errors)
					}
				}
				if now := c.read("/root/.ssh/known_hosts"); now != before {
					t.Errorf("known_hosts was changed:\n%s", now)
				}
			})
			t.Run("screen", func(t *testing.T) {
				t.Parallel()
				c, oldPrint, newPrint := prepare(t)
				s := openScreen(t, c)
				s.shell("inner")
				s.wait(`has changed`)
				s.until("both fingerprints and the line of the old one are shown", func() bool {
					// The pane at the right wraps; what stands left of it is the list.
					shown := s.detail()
					return strings.Contains(shown, oldPrint) && strings.Contains(shown, newPrint) && strings.Contains(shown, line)
				})
				s.quit()
			})
		})
	}
}

func TestStrictHostKeyCheckingRefusesAnUnknownKey(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"ssh", "sallyport"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, chainConfig+onlyShownKeys+"    StrictHostKeyChecking yes\n")
			before := c.lab.servers[c.lab.bastion].known("ed25519")
			c.file("/root/.ssh/known_hosts", before)
			r := c.run(program, "inner", "true")
			if r.Status != 255 || !strings.Contains(r.Errors, "host key is known for") {
				t.Errorf("%s", short(r))
			}
			if now := c.read("/root/.ssh/known_hosts"); now != before {
				t.Errorf("known_hosts was changed:\n%s", now)
			}
		})
	}
	t.Run("screen", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, chainConfig+onlyShownKeys+"    StrictHostKeyChecking yes\n")
		c.file("/root/.ssh/known_hosts", c.lab.servers[c.lab.bastion].known("ed25519"))
		s := openScreen(t, c)
		s.shell("inner")
		s.wait(`host key is known`)
		s.quit()
	})
}

func TestAcceptNewRemembersWithoutAsking(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"ssh", "sallyport"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, chainConfig+onlyShownKeys+"    StrictHostKeyChecking accept-new\n    HashKnownHosts no\n")
			before := c.lab.servers[c.lab.bastion].known("ed25519")
			c.file("/root/.ssh/known_hosts", before)
			if r := c.run(program, "inner", "exit 7"); r.Status != 7 {
				t.Errorf("%s", short(r))
			}
			c.remembersInner(before, false)
		})
	}
}

func TestServerIsAskedForTheKeyTypeThatIsKnown(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		for _, program := range []string{"ssh", "sallyport"} {
			t.Run(kind+"/"+program, func(t *testing.T) {
				t.Parallel()
				c := newClient(t, chainConfig+onlyShownKeys+"    StrictHostKeyChecking yes\n")
				l := c.lab
				c.file("/root/.ssh/known_hosts", l.servers[l.bastion].known(kind)+l.servers[l.inner].known(kind))
				if r := c.run(program, "inner", "exit 7"); r.Status != 7 {
					t.Errorf("with only the %s keys known: %s", kind, short(r))
				}
			})
		}
	}
}

package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	kerberosconfig "github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// serviceTicket is a Kerberos ticket for a host, and whose it is.
type serviceTicket struct {
	ticket messages.Ticket
	key    types.EncryptionKey
	realm  string
	name   types.PrincipalName
	client string // "jon@WALL.EXAMPLE"
}

// newServiceTicket takes the ticket for a host from the credential cache, or
// gets one by the cache's ticket-granting ticket. It changes nothing there.
func newServiceTicket(ctx context.Context, env Env, host string) (*serviceTicket, error) {
	text, err := kerberosText(env)
	if err != nil {
		return nil, err
	}
	cache, err := credentialCache(env, text)
	if err != nil {
		return nil, err
	}
	settings, err := kerberosSettings(text)
	if err != nil {
		return nil, err
	}
	if settings.LibDefaults.DNSCanonicalizeHostname {
		host = canonicalName(ctx, host)
	}
	s := &serviceTicket{realm: cache.GetClientRealm(), name: cache.GetClientPrincipalName()}
	s.client = s.name.PrincipalNameString() + "@" + s.realm
	service := types.NewPrincipalName(nametype.KRB_NT_SRV_HST, "host/"+host)
	if held, err := valid(cache, service); err == nil {
		s.key = held.Key
		return s, s.ticket.Unmarshal(held.Ticket)
	}
	granting, err := valid(cache, types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+s.realm))
	if err != nil {
		return nil, err
	}
	var ticket messages.Ticket
	if err := ticket.Unmarshal(granting.Ticket); err != nil {
		return nil, err
	}
	kdc, err := client.NewFromCCache(cache, settings)
	if err != nil {
		return nil, err
	}
	_, reply, err := kdc.TGSREQGenerateAndExchange(service, s.realm, ticket, granting.Key, false)
	if err != nil {
		return nil, fmt.Errorf("the Kerberos server gives no ticket for host/%s: %w", host, kdcError(err))
	}
	s.ticket, s.key = reply.Ticket, reply.DecryptedEncPart.Key
	return s, nil
}

// valid is a ticket of the cache that has not expired.
func valid(cache *credentials.CCache, of types.PrincipalName) (*credentials.Credential, error) {
	held, ok := cache.GetEntry(of)
	switch {
	case !ok:
		return nil, errNoTicket
	case time.Now().After(held.EndTime):
		return nil, ticketError("the Kerberos ticket expired at " + held.EndTime.Local().Format("2006-01-02 15:04"))
	}
	return held, nil
}

// kdcError is the last of the words that the library puts around an error.
func kdcError(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, "Error: "); i >= 0 {
		text = text[i+len("Error: "):]
	}
	return errors.New(text)
}

// ticketError is what kinit cures.
type ticketError string

func (e ticketError) Error() string { return string(e) }

const errNoTicket = ticketError("there is no Kerberos ticket")

// cacheError is a kind of credential cache that cannot be read here.
type cacheError string

func (e cacheError) Error() string {
	return fmt.Sprintf("the Kerberos tickets are in %s, and only files can be read here", string(e))
}

// credentialCache reads the cache of the caller: KRB5CCNAME, the
// configuration's default_ccache_name, or the file of krb5.conf(5).
func credentialCache(env Env, text string) (*credentials.CCache, error) {
	name := env.Get("KRB5CCNAME")
	if name == "" {
		if m := defaultCache().FindStringSubmatch(text); m != nil {
			name = m[1]
		}
	}
	if name == "" {
		name = "FILE:/tmp/krb5cc_%{uid}"
	}
	uid := strconv.Itoa(os.Getuid())
	name = strings.NewReplacer("%{uid}", uid, "%{euid}", uid).Replace(name)
	path := name
	if kind, rest, typed := strings.Cut(name, ":"); typed && kind != "FILE" {
		return nil, cacheError(kind)
	} else if typed {
		path = rest
	}
	cache, err := guarded(func() (*credentials.CCache, error) { return credentials.LoadCCache(path) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoTicket
	}
	if err != nil {
		return nil, ticketError(fmt.Sprintf("reading the Kerberos tickets of %q: %v", path, err))
	}
	return cache, nil
}

var (
	defaultCache   = pattern(`(?m)^\s*default_ccache_name\s*=\s*(\S+)`)
	dnsLookup      = pattern(`(?m)^\s*dns_lookup_kdc\s*=`)
	sectionLine    = pattern(`^\s*\[([^\]]+)\]`)
	includeLine    = pattern(`^include\s+(\S+)`)
	includeDirLine = pattern(`^includedir\s+(\S+)`)
	includedName   = pattern(`^[A-Za-z0-9_-]+(\.conf)?$`)
)

// kerberosSettings reads krb5.conf(5).
func kerberosSettings(text string) (*kerberosconfig.Config, error) {
	settings, err := kerberosconfig.NewFromString(text)
	if settings == nil {
		return nil, fmt.Errorf("reading krb5.conf: %w", err)
	}
	// MIT's default; the library's is false.
	settings.LibDefaults.DNSLookupKDC = settings.LibDefaults.DNSLookupKDC || !dnsLookup().MatchString(text)
	return settings, nil
}

// kerberosText is the caller's krb5.conf with each section in one place: the
// library reads one file, and of a section that comes twice the last.
func kerberosText(env Env) (string, error) {
	files := env.Get("KRB5_CONFIG")
	if files == "" {
		files = "/etc/krb5.conf"
	}
	g := gathered{lines: map[string][]string{}}
	for _, path := range filepath.SplitList(files) {
		if err := g.add(path, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	var all strings.Builder
	for _, name := range g.order {
		all.WriteString("[" + name + "]\n" + strings.Join(g.lines[name], "\n") + "\n")
	}
	return all.String(), nil
}

// gathered are the lines of several files by their section.
type gathered struct {
	order []string
	lines map[string][]string
}

// maxIncludes is how deep files may include others.
const maxIncludes = 10

func (g *gathered) add(path string, depth int) error {
	if depth > maxIncludes {
		return fmt.Errorf("the file %q includes itself", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name := ""
	for _, line := range strings.Split(string(data), "\n") {
		if m := includeLine().FindStringSubmatch(line); m != nil {
			err = g.add(m[1], depth+1)
		} else if m := includeDirLine().FindStringSubmatch(line); m != nil {
			err = g.addAll(m[1], depth+1)
		} else if m := sectionLine().FindStringSubmatch(line); m != nil {
			name = m[1]
			if _, known := g.lines[name]; !known {
				g.order = append(g.order, name)
			}
		} else if name != "" {
			g.lines[name] = append(g.lines[name], strings.TrimRight(line, "\r"))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// addAll adds the files of a directory whose names krb5.conf(5) allows.
func (g *gathered) addAll(dir string, depth int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if includedName().MatchString(e.Name()) && !e.IsDir() {
			if err := g.add(filepath.Join(dir, e.Name()), depth); err != nil {
				return err
			}
		}
	}
	return nil
}

package transport

import (
	"strings"
	"testing"
	"time"
)

func TestAConnectionThatIsSharedStays(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		c, release := b.up(l)
		leave := l.Stay()
		release()
		time.Sleep(2 * idleLimit)
		if l.Status().State != Up || l.Current() != c {
			b.Error("it was closed while it was to stay")
		}
		leave()
		time.Sleep(idleLimit + time.Second)
		b.wantStates(l, Connecting, Up, Down)
		if l.Current() != nil {
			b.Error("a closed link has a connection")
		}
	})
}

func TestAConnectionThatIsOnlySharedIsNotDialledAgain(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		_, release := b.up(l)
		defer l.Stay()()
		release()
		b.breaks("a")
		time.Sleep(time.Minute)
		b.wantStates(l, Connecting, Up, Down)
	})
}

func TestCloseUnusedSparesUsers(t *testing.T) {
	onBench(t, nil, func(b *bench) {
		l := b.get("a")
		_, release := b.up(l)
		l.CloseUnused()
		b.wantStates(l, Connecting, Up)
		release()
		l.CloseUnused()
		b.wantStates(l, Connecting, Up, Down)
	})
}

func TestWhereALinkListens(t *testing.T) {
	for name, row := range map[string]struct{ lines, want string }{
		"nothing is said":          {"", ""},
		"a path alone":             {"ControlPath /run/cm", ""},
		"no":                       {"ControlPath /run/cm\nControlMaster no", ""},
		"yes":                      {"ControlPath /run/cm\nControlMaster yes", "/run/cm"},
		"auto":                     {"ControlPath /run/cm\nControlMaster auto", "/run/cm"},
		"ask":                      {"ControlPath /run/cm\nControlMaster ask", "/run/cm"},
		"autoask":                  {"ControlPath /run/cm\nControlMaster autoask", "/run/cm"},
		"no path":                  {"ControlPath none\nControlMaster yes", ""},
		"a path from where we are": {"ControlPath cm\nControlMaster yes", "/where/cm"},
	} {
		t.Run(name, func(t *testing.T) {
			where := t.TempDir()
			l := &Link{route: route{chain: Chain{{Host: resolve(t, row.lines)}}, env: Env{"PWD=" + where}}}
			if got := l.MasterPath(); got != strings.Replace(row.want, "/where", where, 1) {
				t.Errorf("it listens on %q, want %q", got, row.want)
			}
		})
	}
}

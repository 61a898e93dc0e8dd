package config

import (
	"runtime"
	"slices"
	"strings"
	"sync"
)

// proveOthers checks that no host but the edited ones says anything else than
// before: all that are listed, and one that meets each pattern of the file.
func (d *draft) proveOthers() error {
	if d.path == "" || d.text == d.old && !d.create {
		return nil
	}
	before, now := entriesByName(d.before), entriesByName(d.now)
	if err := d.sameList(before, now); err != nil {
		return err
	}
	names := d.probes()
	for name := range now {
		names = append(names, name)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(d.edited, name) })
	if name, k, changed := d.firstChanged(names); changed {
		return refuse("", "the edit would change %s of %s, too", keywords[k].name, quoteHost(name))
	}
	for _, name := range d.edited {
		_, was := d.before.Resolve(name, Match{})
		if _, is := d.now.Resolve(name, Match{}); is != nil && was == nil && !deliberate(is) {
			why, _, _ := strings.Cut(is.Error(), "\n")
			return refuse("", "ssh would refuse %s: %s", quoteHost(name), why)
		}
	}
	return nil
}

func entriesByName(c *Config) map[string]Entry {
	all := map[string]Entry{}
	for _, e := range c.Hosts() {
		all[e.Name] = e
	}
	return all
}

// sameList checks that the list of hosts, their comments and tags are the same
// but for the edited ones.
func (d *draft) sameList(before, now map[string]Entry) error {
	for name, e := range before {
		is, ok := now[name]
		switch {
		case slices.Contains(d.edited, name):
		case !ok:
			return refuse("", "the edit would take %s away, too", quoteHost(name))
		case is.Comment != e.Comment || !slices.Equal(is.Tags, e.Tags):
			return refuse("", "the edit would change the comment of %s, too", quoteHost(name))
		}
	}
	for name := range now {
		if _, ok := before[name]; !ok && !slices.Contains(d.edited, name) {
			return refuse("", "the edit would add %s, too", quoteHost(name))
		}
	}
	return nil
}

// probes are names that nobody lists: one that meets each pattern of the file,
// and one that should meet none.
func (d *draft) probes() []string {
	names := []string{"unlisted.invalid"}
	for _, c := range []*Config{d.before, d.now} {
		for _, f := range c.reading {
			if f.path != d.path {
				continue
			}
			for b := range f.blocks {
				if f.blocks[b].kind != kHost {
					continue
				}
				for _, w := range (section{f, int32(b)}).words() {
					if !plain(w) {
						names = append(names, strings.NewReplacer("!", "", "*", "x", "?", "x").Replace(w))
					}
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// firstChanged is a host among names whose resolution is not what it was.
func (d *draft) firstChanged(names []string) (name string, k key, changed bool) {
	workers := runtime.GOMAXPROCS(0)
	share := (len(names) + workers - 1) / workers
	var mu sync.Mutex // guards the results
	var wg sync.WaitGroup
	for part := range slices.Chunk(names, max(share, 1)) {
		wg.Go(func() {
			for _, n := range part {
				if which, differs := d.differs(n); differs {
					mu.Lock()
					name, k, changed = n, which, true
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return name, k, changed
}

// differs compares all that a resolution depends on.
func (d *draft) differs(name string) (key, bool) {
	was, wasRefused := d.before.Resolve(name, Match{})
	is, isRefused := d.now.Resolve(name, Match{})
	for k := range keyCount {
		if !slices.EqualFunc(was.r.set[k], is.r.set[k], d.sameValue) {
			return k, true
		}
	}
	switch {
	case isRefused != nil && wasRefused == nil, was.HostName() != is.HostName(), !slices.EqualFunc(was.r.conditions, is.r.conditions, sameCondition):
		return kHostName, true
	}
	return kNone, false
}

// sameValue compares values wherever they stand. A jump may have got a new
// name.
func (d *draft) sameValue(was, is value) bool {
	if was.text != is.text || was.implied != is.implied || was.set != is.set || was.key != is.key {
		return false
	}
	if was.fwd != nil && is.fwd != nil {
		return *was.fwd == *is.fwd
	}
	if was.jump == nil || is.jump == nil {
		return was.fwd == nil && is.fwd == nil && was.jump == nil && is.jump == nil
	}
	list := was.jump.String()
	for old, new := range d.renamed {
		list, _ = renameHops(list, old, new)
	}
	return list == is.jump.String() && was.jump.none == is.jump.none
}

func sameCondition(was, is Problem) bool {
	return was.Message == is.Message && was.Origin.File == is.Origin.File && was.Origin.Block == is.Origin.Block
}

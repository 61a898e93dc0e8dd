package ui

import (
	"context"
	"sync"
	"time"

	"sallyport/api"
)

// resolver asks the inventory about hosts, outside the loop: first about what
// is on the screen, then, once somebody searches, about all the others while
// nobody types. After the first answer it has the index of the search made
// beside its work, then, while nobody types, the configuration checked, and
// gives the details out so far again with what was found.
type resolver struct {
	inv   inventory
	index func() *index
	wake  chan struct{} // of size 1

	mu     sync.Mutex
	rows   []string // visible hosts that are not known yet
	detail string   // the host whose detail is wanted
	all    bool
	typed  time.Time // when somebody last typed in the search
}

// resolved is what the resolver has found out.
type resolved struct {
	hosts  []api.Host
	detail *api.Detail
}

func newResolver(inv inventory, index func() *index) *resolver {
	return &resolver{inv: inv, index: index, wake: make(chan struct{}, 1)}
}

// want replaces what is asked for; it never blocks.
func (r *resolver) want(rows []string, detail string, all bool) {
	r.mu.Lock()
	r.rows, r.detail = rows, detail
	r.all = r.all || all
	r.mu.Unlock()
	poke(r.wake)
}

// typingPause is how long after a key the background part of the work waits
// for the next one: it would take the processor from what the key asks for. It
// is longer than most people take between two keys.
const typingPause = 500 * time.Millisecond

// hold is called at each key of a search.
func (r *resolver) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.typed = time.Now()
}

// held is how long the background part of the work is still to wait.
func (r *resolver) held() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, typingPause-time.Since(r.typed))
}

func (r *resolver) take() (rows []string, detail string, all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows, detail, all = r.rows, r.detail, r.all
	r.rows, r.detail = nil, ""
	return rows, detail, all
}

// bulkPause is how often the background part of the work is handed over: a
// search is made again each time.
const bulkPause = 250 * time.Millisecond

// run works until ctx ends and hands each piece to found.
func (r *resolver) run(ctx context.Context, found func(resolved)) {
	var rest []string
	started := false
	var given []string          // details handed over before the check ended
	var checked <-chan struct{} // closed when it ends; nil before it begins, and once that was seen
	for {
		rows, detail, all := r.take()
		r.urgent(ctx, rows, detail, found)
		if detail != "" && given == nil {
			checked = r.check(ctx)
		}
		if detail != "" && checked != nil {
			given = append(given, detail)
		}
		if all && !started {
			rest, started = r.inv.Names(), true
		}
		var idle <-chan time.Time
		if len(rest) > 0 {
			idle = time.After(r.held())
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-idle:
			rest = r.bulk(ctx, rest, found)
		case <-checked:
			checked = nil
			for _, name := range given {
				r.urgent(ctx, nil, name, found)
			}
		}
	}
}

// settled is how long after the list is there begins what nobody waits for.
const settled = 200 * time.Millisecond

// check has the configuration checked; the channel is closed when that is
// done. It takes no more than a second or two of work, so nobody ends it.
func (r *resolver) check(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.index()
		pause(ctx, settled, nil)
		r.inv.Check(func() { r.rest(ctx) })
	}()
	return done
}

// rest waits while somebody types.
func (r *resolver) rest(ctx context.Context) {
	for d := r.held(); d > 0 && ctx.Err() == nil; d = r.held() {
		pause(ctx, d, nil)
	}
}

// urgent answers what the screen shows.
func (r *resolver) urgent(ctx context.Context, rows []string, detail string, found func(resolved)) {
	var out resolved
	if detail != "" {
		d := r.inv.Detail(detail)
		out.detail = &d
	}
	for _, name := range rows {
		if ctx.Err() != nil {
			return
		}
		out.hosts = append(out.hosts, r.inv.Host(name))
	}
	if out.detail != nil || out.hosts != nil {
		found(out)
	}
}

// bulk goes on with names until it is time to hand over, the screen wants
// something or somebody types, and returns those that are left.
func (r *resolver) bulk(ctx context.Context, names []string, found func(resolved)) []string {
	var out resolved
	for until := time.Now().Add(bulkPause); len(names) > 0 && ctx.Err() == nil && time.Now().Before(until) && !r.wanted(); names = names[1:] {
		out.hosts = append(out.hosts, r.inv.Host(names[0]))
	}
	if out.hosts != nil {
		found(out)
	}
	return names
}

func (r *resolver) wanted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows != nil || r.detail != "" || time.Since(r.typed) < typingPause
}

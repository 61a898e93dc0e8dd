package daemon

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"sallyport/api"
)

// returnLimit is how long the masters may take to close what they have opened
// for us, when the process ends.
const returnLimit = 2 * time.Second

func (d *daemon) postBorrowed(w http.ResponseWriter, r *http.Request) {
	var req api.BorrowRequest
	if !read(w, r, &req) {
		return
	}
	act := d.forwards.giveBack
	if req.Up {
		act = d.forwards.borrow
	}
	b, err := act(r.Context(), req)
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	reply200(w, b)
}

// borrow has a master open a forward. It is on record before: a process that is
// killed meanwhile leaves nothing open that nobody knows of.
func (f *forwards) borrow(ctx context.Context, r api.BorrowRequest) (api.Borrowed, error) {
	b := r.Borrowed()
	known, err := f.keepBorrowed(b)
	if err != nil {
		return api.Borrowed{}, err
	}
	if b, err = f.obtain(ctx, b); !known {
		if err != nil {
			f.dropBorrowed(b.ID)
			return api.Borrowed{}, err
		}
		go f.attendMaster(b) // ends with the master, or with the process
	}
	return b, err
}

// obtain asks a master for a forward that is on record, and lists it.
func (f *forwards) obtain(ctx context.Context, b api.Borrowed) (api.Borrowed, error) {
	port, err := api.ForwardOnMaster(ctx, b.Path, b.PID, b.Spec)
	if err != nil {
		return b, err
	}
	b.Port = port
	if _, err := f.keepBorrowed(b); err != nil {
		return b, err
	}
	f.hub.post(api.Event{Borrowed: &b})
	return b, nil
}

// giveBack has a master close a forward, whoever has opened it.
func (f *forwards) giveBack(ctx context.Context, r api.BorrowRequest) (api.Borrowed, error) {
	b := r.Borrowed()
	if err := api.CancelOnMaster(ctx, b.Path, b.PID, b.Spec); err != nil {
		return api.Borrowed{}, err
	}
	f.dropBorrowed(b.ID)
	return b, nil
}

// keepBorrowed puts a forward on record, and tells whether it was there.
func (f *forwards) keepBorrowed(b api.Borrowed) (known bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left || f.ctx.Err() != nil {
		return false, errStopping
	}
	i := slices.IndexFunc(f.borrowed, func(other api.Borrowed) bool { return other.ID == b.ID })
	if i < 0 {
		f.borrowed = append(f.borrowed, b)
	} else {
		f.borrowed[i] = b
	}
	return i >= 0, f.write()
}

// dropBorrowed strikes a forward off the record.
func (f *forwards) dropBorrowed(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left {
		return
	}
	f.borrowed = slices.DeleteFunc(f.borrowed, func(b api.Borrowed) bool { return b.ID == id })
	f.hub.post(api.Event{BorrowedGone: id})
	if err := f.write(); err != nil {
		f.log.Warn("a forward of a master stays on record", "forward", id, "error", err)
	}
}

// attendMaster strikes a forward off when its master has ended. One without a
// process here has ended already, or it answers and is in another container.
func (f *forwards) attendMaster(b api.Borrowed) {
	unseen := api.AwaitEnd(f.ctx, b.PID) != nil
	if unseen && api.CheckMaster(f.ctx, b.Path, b.PID) == nil || f.ctx.Err() != nil {
		return
	}
	f.dropBorrowed(b.ID)
}

// restoreBorrowed asks the masters of a process before for their forwards once
// more: one that has it still says so (process_open_fwd in mux.c).
func (f *forwards) restoreBorrowed(all []api.Borrowed) {
	for _, b := range all {
		_, err := f.obtain(f.ctx, b)
		switch {
		case f.ctx.Err() != nil:
			return
		case err != nil:
			f.log.Info("a forward of a master has ended", "forward", b.ID, "error", err)
			f.dropBorrowed(b.ID)
		default:
			go f.attendMaster(b) // ends with the master, or with the process
		}
	}
}

// returnBorrowed has the masters close what they have opened for this process.
func (f *forwards) returnBorrowed() {
	f.mu.Lock()
	all := slices.Clone(f.borrowed)
	if f.left {
		all = nil // they are another process's now
	}
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), returnLimit)
	defer cancel()
	var wg sync.WaitGroup
	for _, b := range all {
		wg.Go(func() {
			if err := api.CancelOnMaster(ctx, b.Path, b.PID, b.Spec); err != nil {
				f.log.Warn("a forward of a master was not cancelled", "forward", b.ID, "error", err)
			}
			f.dropBorrowed(b.ID)
		})
	}
	wg.Wait()
}

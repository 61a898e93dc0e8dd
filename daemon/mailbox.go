package daemon

import (
	"context"
	"sync"
)

// mailbox passes items to one reader, in order. Posting never blocks, so that
// the goroutines that own links, tunnels and sessions never wait for us.
type mailbox[T any] struct {
	wake chan struct{}

	mu    sync.Mutex
	items []T // guarded by mu
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{wake: make(chan struct{}, 1)} }

func (m *mailbox[T]) post(item T) {
	m.mu.Lock()
	m.items = append(m.items, item)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default: // the reader has been woken already
	}
}

// take waits for items and takes them all; it is empty when ctx has ended.
func (m *mailbox[T]) take(ctx context.Context) []T {
	select {
	case <-ctx.Done():
		return nil
	case <-m.wake:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}

package transport

import (
	"sync"

	"sallyport/keys"
)

// secret is a text in memory that the system neither swaps nor dumps, where
// it can be told so.
type secret struct {
	text []byte
	keep bool // a person wants it kept
	free func()
}

func newSecret(text []byte, keep bool) *secret {
	s := &secret{keep: keep}
	s.text, s.free = lockedMemory(len(text))
	copy(s.text, text)
	return s
}

func (s *secret) wipe() {
	clear(s.text)
	s.free()
	s.text = nil
}

// claim is what a secret is for: one kind of question, about one key file or
// in one wording. A secret goes nowhere else.
type claim struct {
	kind   Kind
	file   string
	prompt string
}

// wallet holds secrets by what they are for, and the keys that they opened; a nil one
// holds nothing.
type wallet struct {
	ring keys.Ring

	mu   sync.Mutex // guards held
	held map[claim]*secret
}

// put keeps a copy of text in place of what was there.
func (w *wallet) put(c claim, text []byte, keep bool) {
	if w == nil {
		return
	}
	w.drop(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held == nil {
		w.held = map[claim]*secret{}
	}
	w.held[c] = newSecret(text, keep)
}

// get is a copy, for the caller to wipe; nil if there is none.
func (w *wallet) get(c claim) (text []byte, keep bool) {
	if w == nil {
		return nil, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.held[c]; s != nil {
		return append([]byte{}, s.text...), s.keep
	}
	return nil, false
}

func (w *wallet) drop(c claim) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.held[c]; s != nil {
		s.wipe()
		delete(w.held, c)
	}
}

// give moves one secret to another wallet.
func (w *wallet) give(c claim, to *wallet) {
	if text, keep := w.get(c); text != nil {
		to.put(c, text, keep)
		clear(text)
		w.drop(c)
	}
}

// giveAll moves all secrets to another wallet.
func (w *wallet) giveAll(to *wallet) {
	for _, c := range w.claims() {
		w.give(c, to)
	}
}

func (w *wallet) wipe() {
	for _, c := range w.claims() {
		w.drop(c)
	}
	w.ring.Forget()
}

func (w *wallet) claims() []claim {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []claim
	for c := range w.held {
		all = append(all, c)
	}
	return all
}

// chains has a wallet for each first hop while chains from it are dialled: a
// key that opens two of their hops asks for its passphrase once.
type chains struct {
	mu      sync.Mutex // guards dialled
	dialled map[string]*dialledChain
}

type dialledChain struct {
	wallet wallet
	dials  int // under way
}

// enter is the wallet of the chains that begin with the link id, until leave
// is called.
func (cs *chains) enter(id string) (w *wallet, leave func()) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.dialled == nil {
		cs.dialled = map[string]*dialledChain{}
	}
	chain := cs.dialled[id]
	if chain == nil {
		chain = &dialledChain{}
		cs.dialled[id] = chain
	}
	chain.dials++
	return &chain.wallet, func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		if chain.dials--; chain.dials == 0 {
			chain.wallet.wipe()
			delete(cs.dialled, id)
		}
	}
}

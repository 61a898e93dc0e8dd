package transport

import (
	"context"
	"sync"
)

// spare is a session channel kept open beyond those in use, so that the next
// shell or command on a connection costs one round trip instead of two. It is
// opened behind the first session and taken by the next, behind which comes
// another. Where the server refuses it (MaxSessions) there is none any more,
// and nobody hears of it.
type spare struct {
	on bool // set before the connection is used

	mu   sync.Mutex // guards what follows
	idle *idleSession
	busy bool // one is on its way
	off  bool // the server has refused one
}

// idleSession is a session channel that nobody uses yet.
type idleSession struct {
	*SessionChannel
	take chan struct{} // closed when somebody wants it
	open chan bool     // of size 1: whether it is still open then
}

// mind refuses what the far side asks for until the channel is taken: sshd
// sends its ClientAlive questions on any open channel, and hangs up if nobody
// answers (serverloop.c). It ends with the connection too.
func (i *idleSession) mind() {
	for {
		select {
		case r, open := <-i.Requests:
			if !open {
				i.open <- false
				return
			}
			if r.WantReply {
				_ = r.Reply(false, nil) // a channel that has ended is found so at the next turn
			}
		case <-i.take:
			i.open <- true
			return
		}
	}
}

// take is the spare channel, nil if there is none. One that the server has
// closed meanwhile (ChannelTimeout) is none.
func (s *spare) take() *SessionChannel {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	if idle == nil {
		return nil
	}
	close(idle.take)
	if !<-idle.open {
		return nil
	}
	return idle.SessionChannel
}

// replenish opens the next spare channel in the background. Its goroutines end
// with the connection.
func (c *Conn) replenish() {
	s := &c.spare
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.on || s.off || s.busy || s.idle != nil {
		return
	}
	s.busy = true
	go func() {
		channel, err := c.openSession(context.Background())
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy = false
		if s.off = err != nil; s.off {
			return
		}
		s.idle = &idleSession{channel, make(chan struct{}), make(chan bool, 1)}
		go s.idle.mind()
	}()
}

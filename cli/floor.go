package cli

import "context"

// floor is had by one question at a time: the one that has the terminal.
type floor chan struct{}

func newFloor() floor { return make(floor, 1) }

// take waits for the floor, which is then to be given back, or fails with the
// cause of ctx.
func (f floor) take(ctx context.Context) (give func(), err error) {
	select {
	case f <- struct{}{}:
		return func() { <-f }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

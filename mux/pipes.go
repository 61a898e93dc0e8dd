package mux

import (
	"errors"
	"io"
	"os"
)

// filesOf are closed together.
type filesOf []*os.File

func (fs filesOf) close() {
	for _, f := range fs {
		_ = f.Close() // it may be closed, and nothing is lost in a pipe
	}
}

// pipes join us with a master: the first leads there, all others here.
type pipes struct{ passed, kept filesOf }

func newPipes(n int) (p pipes, err error) {
	for i := range n {
		r, w, err := os.Pipe()
		if err != nil {
			p.passed.close()
			p.kept.close()
			return pipes{}, err
		}
		if i == 0 {
			r, w = w, r
		}
		p.kept, p.passed = append(p.kept, r), append(p.passed, w)
	}
	return p, nil
}

// readPipe ends as a channel does, also when we have closed it.
func readPipe(f *os.File, p []byte) (int, error) {
	n, err := f.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// writePipe fails as a channel does that takes no more.
func writePipe(f *os.File, p []byte) (int, error) {
	n, err := f.Write(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

func closeAgain(f *os.File) error {
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// nowhere is a stream that a channel has not.
type nowhere struct{}

func (nowhere) Read([]byte) (int, error)    { return 0, io.EOF }
func (nowhere) Write(p []byte) (int, error) { return 0, io.EOF }

//go:build !linux

package daemon

import "errors"

// foreign is a terminal of another process. To have it apart from its own it
// is opened anew, for which only Linux has a name for each descriptor.
type foreign struct{}

func openForeign(int) (*foreign, error) { return nil, errors.ErrUnsupported }

func (*foreign) Read([]byte) (int, error) { return 0, errBehind }
func (*foreign) put([]byte) int           { return 0 }
func (*foreign) halt()                    {}
func (*foreign) close()                   {}

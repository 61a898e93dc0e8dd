package cli

import "io"

// suspends tells that a console's programs cannot be stopped, and its usual
// modes not be had for a while.
const suspends = false

func stopSelf() {}

func (t *terminal) cooked(func()) {}

func (t *terminal) askLine(io.Writer, string) (string, error) { return "", errDeclined }

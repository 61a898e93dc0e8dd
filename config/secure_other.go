//go:build !unix

package config

import "io/fs"

// secure has no modes to look at here.
func (d *dialect) secure(fs.FileInfo) bool { return true }

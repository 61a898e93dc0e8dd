package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// keyState is what is wrong with a key file, nil for nothing.
type keyState = *rule

// checkKeys looks at the key files whose names do not depend on the host.
func (k *checker) checkKeys() {
	k.users(func(at place, d *directive) {
		if d.key != kIdentityFile {
			return
		}
		for _, v := range k.said(at) {
			if strings.ContainsAny(v.text, "%$") {
				continue
			}
			if path, err := tilde(v.text, k.paths.Home); err == nil {
				k.checkKey(at, path)
			}
		}
	})
}

// checkHostKeys looks at those of one host, with its tokens expanded.
func (k *checker) checkHostKeys(h *Host) {
	for _, v := range h.r.set[kIdentityFile] {
		if v.at.file == nil || !v.at.file.user {
			continue
		}
		path, err := tilde(v.text, k.paths.Home)
		if err == nil {
			path, err = h.r.expand(path, true)
		}
		if err != nil { // refused
			continue
		}
		if f := k.checkKey(v.at, path); f != nil {
			f.touch(h.Name)
		}
	}
}

// checkKey reports what is wrong with a key file.
func (k *checker) checkKey(at place, path string) *Finding {
	r, known := k.keys[path]
	if !known {
		r = k.keyState(path)
		k.keys[path] = r
	}
	if r == nil {
		return nil
	}
	f, isNew := k.find(r, at.origin(), path)
	if !isNew {
		return f
	}
	shown := Printable(path)
	switch {
	case r == keyOpen:
		f.Message, f.Fix = fmt.Sprintf("the key file %q can be read by others", shown), "chmod 600 "+shown
	case !filepath.IsAbs(path):
		f.Message, f.Fix = fmt.Sprintf("there is no key file %q", shown), "ssh looks in the directory that it is called from: write ~/.ssh/"+filepath.Base(shown)+", if that is meant."
	default:
		f.Message, f.Fix = fmt.Sprintf("there is no key file %q", shown), "Correct the path, or make the key: ssh-keygen -t ed25519 -f "+shown
	}
	return f
}

// keyState looks at a key file. One whose public half is there may be in the
// agent or in a device, and a public key may be read by all.
func (k *checker) keyState(path string) keyState {
	if equalFold(path, "none") {
		return nil
	}
	info, err := k.env.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := k.env.Stat(path + ".pub"); err == nil {
			return nil
		}
		return keyMissing
	case err != nil || !info.Mode().IsRegular() || strings.HasSuffix(path, ".pub"):
		return nil
	case tooOpen(info):
		return keyOpen
	}
	return nil
}

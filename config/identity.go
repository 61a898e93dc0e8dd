package config

// WithIdentity is the host with one key file, and no other and no certificate
// that a file names: for a login that shall prove that key.
func (h *Host) WithIdentity(path string) *Host {
	only := *h
	only.identities, only.certificates = []string{path}, nil
	return &only
}

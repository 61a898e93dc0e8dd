package sshtest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed testdata/token.c
var tokenSource []byte

// tokenVersions are those of sk-api.h that have the structures of token.c.
var tokenVersions = []string{"0x000a0000", "0x000b0000"}

// Token is a provider for FIDO keys, as -w of ssh-keygen and
// SecurityKeyProvider name it, that needs no hardware: see testdata/token.c.
func Token(t testing.TB) string {
	t.Helper()
	Program(t, "gcc")
	keygen := Program(t, "ssh-keygen")
	dir := t.TempDir()
	source := filepath.Join(dir, "token.c")
	if err := os.WriteFile(source, tokenSource, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range tokenVersions {
		provider := filepath.Join(dir, version+".so")
		build := exec.Command("gcc", "-shared", "-fPIC", "-DAPI="+version, "-o", provider, source, "-lcrypto")
		if out, err := build.CombinedOutput(); err != nil {
			Missing(t, "the software token cannot be built: %v\n%s", err, out)
		}
		try := exec.Command(keygen, "-q", "-t", "ed25519-sk", "-w", provider, "-N", "", "-f", provider+".key")
		if try.Run() == nil {
			return provider
		}
	}
	Missing(t, "the ssh-keygen that is installed takes none of the interfaces %v", tokenVersions)
	return ""
}

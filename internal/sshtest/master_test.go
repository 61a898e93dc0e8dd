package sshtest

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAnotherSSHIsTheMaster has the variable name one that leaves a mark.
func TestAnotherSSHIsTheMaster(t *testing.T) {
	s := StartServer(t)
	dir := t.TempDir()
	other, mark := filepath.Join(dir, "other-ssh"), filepath.Join(dir, "mark")
	script := "#!/bin/sh\n>" + mark + "\nexec " + Program(t, "ssh") + " \"$@\"\n"
	if err := os.WriteFile(other, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(MasterVariable, other)
	m := s.StartMaster(t)
	if _, err := os.Stat(mark); err != nil {
		t.Error(err)
	}
	if out, err := s.SSHOver(t, m.Socket, Alias, "true").CombinedOutput(); err != nil {
		t.Errorf("over it: %v, %q", err, out)
	}
}

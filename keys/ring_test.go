package keys

import (
	"errors"
	"os"
	"testing"
)

func TestAFileIsDecryptedOnceForThoseWhoShareARing(t *testing.T) {
	t.Parallel()
	path := generate(t, "winter", "-t", "ed25519")
	copied := path + "-copy"
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(copied, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	other := generate(t, "winter", "-t", "ed25519")
	ring, nobodys := new(Ring), (*Ring)(nil)
	half := func(path, passphrase string, ring *Ring) (*private, error) {
		k, err := Load(t.Context(), path, (&person{answers: []string{passphrase}}).ask)
		if err != nil {
			t.Fatal(err)
		}
		k.Share(ring)
		return k.file.unlock()
	}
	first, err := half(path, "winter", ring)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, path, passphrase string
		ring                   *Ring
		same                   bool
		err                    error
	}{
		{"the same file", path, "winter", ring, true, nil},
		{"a copy of it", copied, "winter", ring, true, nil},
		{"another key with the same passphrase", other, "winter", ring, false, nil},
		{"a wrong passphrase", path, "summer", ring, false, errSilent},
		{"another ring", path, "winter", new(Ring), false, nil},
		{"no ring", path, "winter", nobodys, false, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := half(row.path, row.passphrase, row.ring)
			if !errors.Is(err, row.err) || err == nil && (got == first) != row.same {
				t.Errorf("%v, the one of before: %v; want %v, %v", err, got == first, row.err, row.same)
			}
		})
	}
	ring.Forget()
	if again, err := half(path, "winter", ring); err != nil || again == first {
		t.Errorf("after it was forgotten: %v, the one of before: %v", err, again == first)
	}
}

package keys

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// little is work that no test has to wait for.
const little = 2

var sample = []PackedFile{
	{Name: "id_lab", Private: true, Text: []byte("private")},
	{Name: "id_lab.pub", Text: []byte("public")},
	{Name: "config.d/lab", Text: []byte("Host lab\n")},
}

func packOf(t *testing.T, files []PackedFile) []byte {
	t.Helper()
	var sealed bytes.Buffer
	check(t, Pack(&sealed, files, []byte("winter"), little))
	return sealed.Bytes()
}

func TestAPackHoldsWhatWasPutIn(t *testing.T) {
	sealed := packOf(t, sample)
	if bytes.Contains(sealed, []byte("private")) || bytes.Contains(sealed, []byte("id_lab")) {
		t.Errorf("it is not encrypted: %q", sealed)
	}
	files, err := Unpack(bytes.NewReader(sealed), []byte("winter"))
	check(t, err)
	if diff := cmp.Diff(sample, files); diff != "" {
		t.Errorf("it holds (-want +got):\n%s", diff)
	}
}

func TestAPackThatCannotBeOpenedSaysWhy(t *testing.T) {
	sealed := packOf(t, sample)
	bent := bytes.Clone(sealed)
	bent[len(bent)-1] ^= 1
	var forKey bytes.Buffer
	identity, err := age.GenerateX25519Identity()
	check(t, err)
	w, err := age.Encrypt(&forKey, identity.Recipient())
	check(t, err)
	check(t, w.Close())
	for _, row := range []struct {
		name       string
		sealed     []byte
		passphrase string
		want       string
	}{
		{"another passphrase", sealed, "summer", ErrPackPassphrase.Error()},
		{"no passphrase", sealed, "", ErrPackPassphrase.Error()},
		{"a file for a key", forKey.Bytes(), "winter", "it is encrypted for a key of age, not by a passphrase"},
		{"noise", []byte("noise"), "winter", "it is not a pack, or it is damaged"},
		{"nothing", nil, "winter", "it is not a pack, or it is damaged"},
		{"a bit that was changed", bent, "winter", "it is damaged: failed to decrypt and authenticate payload chunk, file may be corrupted or tampered with"},
		{"half of it", sealed[:len(sealed)-100], "winter", "it is damaged: failed to decrypt and authenticate payload chunk, file may be corrupted or tampered with"},
	} {
		if _, err := Unpack(bytes.NewReader(row.sealed), []byte(row.passphrase)); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// archive is one of entries that an ordinary program would not write. It ends
// with the head of one that is too large.
func archive(t testing.TB, heads ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range heads {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > maxPackedFile {
			return b.Bytes()
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnArchiveThatWouldDoHarmIsRefused(t *testing.T) {
	many := make([]tar.Header, maxPackedFiles+1)
	for i := range many {
		many[i] = tar.Header{Name: fmt.Sprint(i)}
	}
	const noName = "in it is no name of a file below ~/.ssh"
	for _, row := range []struct {
		heads []tar.Header
		want  string
	}{
		{[]tar.Header{{Name: "../evil"}}, `"../evil" ` + noName},
		{[]tar.Header{{Name: "config.d/../../evil"}}, `"config.d/../../evil" ` + noName},
		{[]tar.Header{{Name: "/etc/passwd"}}, `"/etc/passwd" ` + noName},
		{[]tar.Header{{Name: "./id"}}, `"./id" ` + noName},
		{[]tar.Header{{Name: `..\evil`}}, `"..\\evil" ` + noName},
		{[]tar.Header{{Name: "c:evil"}}, `"c:evil" ` + noName},
		{[]tar.Header{{Name: "a\x1b]52;"}}, `"a\x1b]52;" ` + noName},
		{[]tar.Header{{Name: "."}}, `"." ` + noName},
		{[]tar.Header{{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}}, `"link" in it is no plain file`},
		{[]tar.Header{{Name: "link", Typeflag: tar.TypeLink, Linkname: "id"}}, `"link" in it is no plain file`},
		{[]tar.Header{{Name: "dir/", Typeflag: tar.TypeDir}}, `"dir/" in it is no plain file`},
		{[]tar.Header{{Name: "pipe", Typeflag: tar.TypeFifo}}, `"pipe" in it is no plain file`},
		{[]tar.Header{{Name: "id"}, {Name: "ID"}}, `it holds "ID" twice, or as a directory too`},
		{[]tar.Header{{Name: "id"}, {Name: "id/x"}}, `it holds "id/x" twice, or as a directory too`},
		{[]tar.Header{{Name: "authorized_keys"}}, `"authorized_keys" in it decides who may come in, and does not belong there`},
		{[]tar.Header{{Name: "RC"}}, `"RC" in it decides who may come in, and does not belong there`},
		{[]tar.Header{{Name: "big", Size: maxPackedFile + 1}}, `"big" in it is too large: 8388609 bytes`},
		{many, "it holds more than 500 files"},
	} {
		files, err := readArchive(bytes.NewReader(archive(t, row.heads...)))
		if err == nil || err.Error() != row.want || files != nil {
			t.Errorf("%s: %d files, %v", row.want, len(files), err)
		}
	}
	if err := Pack(&bytes.Buffer{}, []PackedFile{{Name: "../evil"}}, []byte("winter"), little); err == nil {
		t.Error("such a name was packed")
	}
}

func TestNoMoreIsReadThanAnArchiveMayHold(t *testing.T) {
	got, err := io.ReadAll(&bounded{strings.NewReader("winter is coming"), 6})
	if string(got) != "winter" || damaged(err) != errTooLarge {
		t.Errorf("it gives %q, %v", got, err)
	}
}

func FuzzReadArchive(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "id", Mode: 0o600, Size: 9}, tar.Header{Name: "config.d/lab", Mode: 0o644}))
	f.Add(archive(f, tar.Header{Name: "../evil"}))
	f.Add(archive(f, tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc"}))
	f.Add(archive(f, tar.Header{Name: strings.Repeat("long/", 40) + "x", Size: 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := readArchive(bytes.NewReader(data))
		if err != nil && files != nil {
			t.Error("half an archive was read")
		}
		for _, file := range files {
			if at := filepath.FromSlash(file.Name); !filepath.IsLocal(at) || filepath.Clean(at) != at {
				t.Errorf("a file is named %q", file.Name)
			}
		}
	})
}

func TestUnpackingWritesOverNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ssh")
	states := func(want ...string) []Placement {
		t.Helper()
		list := Place(dir, sample)
		var got []string
		for _, p := range list {
			got = append(got, p.State)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what becomes of the files (-want +got):\n%s", diff)
		}
		return list
	}
	put := func(list []Placement) {
		t.Helper()
		for _, p := range list {
			check(t, p.Put())
		}
	}
	tree := func(want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, treeOf(t, dir), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the directory holds (-want +got):\n%s", diff)
		}
	}

	list := states(PlaceNew, PlaceNew, PlaceNew)
	tree(nil)
	put(list)
	whole := map[string]string{"id_lab": "-rw------- private", "id_lab.pub": "-rw-r--r-- public", "config.d/lab": "-rw-r--r-- Host lab\n"}
	if runtime.GOOS == "windows" {
		return // which has other modes
	}
	tree(whole)
	put(states(PlaceSame, PlaceSame, PlaceSame))
	tree(whole)

	// What is there stays, also a link that leads nowhere.
	check(t, os.WriteFile(filepath.Join(dir, "id_lab"), []byte("another"), 0o600))
	check(t, os.Remove(filepath.Join(dir, "id_lab.pub")))
	check(t, os.Symlink("nowhere", filepath.Join(dir, "id_lab.pub")))
	put(states(PlaceAside, PlaceAside, PlaceSame))
	whole["id_lab"], whole["id_lab.pub"] = "-rw------- another", "-> nowhere"
	whole["unpacked/id_lab"], whole["unpacked/id_lab.pub"] = "-rw------- private", "-rw-r--r-- public"
	tree(whole)
	put(states(PlaceAside, PlaceAside, PlaceSame))
	tree(whole)
	check(t, os.WriteFile(filepath.Join(dir, "unpacked/id_lab"), []byte("a third"), 0o600))
	whole["unpacked/id_lab"] = "-rw------- a third"
	list = states(PlaceSkipped, PlaceAside, PlaceSame)
	put(list)
	tree(whole)

	// What comes in between stays too.
	check(t, os.RemoveAll(dir))
	list = Place(dir, sample)
	check(t, os.MkdirAll(dir, 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "id_lab"), []byte("meanwhile"), 0o600))
	if err := list[0].Put(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that came in between: %v", err)
	}
	tree(map[string]string{"id_lab": "-rw------- meanwhile"})
}

// treeOf are the files below a directory, with their modes.
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if e.Type() == fs.ModeSymlink {
			target, err := os.Readlink(path)
			tree[name] = "-> " + target
			return err
		}
		info, err := e.Info()
		if err == nil {
			tree[name] = info.Mode().String() + " " + string(read(t, path))
		}
		return err
	})
	check(t, err)
	return tree
}

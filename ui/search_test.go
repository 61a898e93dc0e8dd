package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"
	"github.com/google/go-cmp/cmp"

	"sallyport/api"
)

func TestSearch(t *testing.T) {
	x := newIndex([]string{"got-bastion", "targaryen", "tyrell", "martell", "Stark", "Économie", "db1", "db10", "old-targaryen"})
	for _, h := range []api.Host{
		{Name: "got-bastion", HostName: "193.48.1.7", User: "dany"},
		{Name: "tyrell", HostName: "tyrell.example.org", User: "margaery", Tags: []string{"gpu"}},
		{Name: "db1", Comment: "the target of backups", File: "cluster.conf"},
	} {
		x.add(h.Name, h.Fields())
	}
	for _, c := range []struct {
		name, query string
		want        []string
	}{
		{"the alias beats the comment", "targ", []string{"targaryen", "old-targaryen", "db1"}},
		{"letters may be apart", "gb", []string{"got-bastion"}},
		{"all words must match", "tyr gpu", []string{"tyrell"}},
		{"HostName is searched", "193.48", []string{"got-bastion"}},
		{"User is searched", "margaery", []string{"tyrell"}},
		{"the included file is searched", "cluster.conf", []string{"db1"}},
		{"the shorter alias is first", "db", []string{"db1", "db10"}},
		{"small letters find capitals", "stark", []string{"Stark"}},
		{"a capital does not find small letters", "Tyrell", nil},
		{"accents do not matter", "economie", []string{"Économie"}},
		{"nothing", "zzz", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, i := range x.search(c.query) {
				got = append(got, x.alias[i].chars.ToString())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.query, diff)
			}
		})
	}
}

func TestALongerQueryFindsWhatASearchOfItsOwnWouldFind(t *testing.T) {
	names := manyNames(2000)
	x := newIndex(names)
	for n, query := range []string{"n", "no", "nod", "node1", "node1", "node1 ", "node1 c", "node1 c", "node1 cpe", "de", "de", "z", "zo", "zopy"} {
		if n > 0 { // more has become known
			for i := n; i < len(names); i += 7 {
				x.add(names[i], []string{"dany", "copper", "node1 crate", "z----opy", fmt.Sprintf("10.0.0.%d", i%250)})
			}
		}
		got := x.search(query)
		if diff := cmp.Diff(anew(x, query), got); diff != "" {
			t.Fatalf("%q (-anew +got):\n%s", query, diff)
		}
	}
}

// anew searches with an index that has found nothing yet.
func anew(x *index, query string) []int {
	y := *x
	y.last, y.ranked, y.near, y.fresh = "", nil, nil, nil
	defer func() { x.terms = y.terms }() // the texts are shared, and remember terms by their number
	return y.search(query)
}

func TestManyRanksAreSortedAsFewAre(t *testing.T) {
	x := newIndex([]string{"a", "node1.cluster.example.org", strings.Repeat("long", 100), "db"})
	var ranks, spare []uint64
	for i := range 3 * fewRanks { // scores up to more than a byte, in no order
		ranks = append(ranks, x.rank(i%len(x.alias), i*7919%1000)&^(1<<hostBits-1)|uint64(i))
	}
	for _, n := range []int{0, 1, fewRanks - 1, fewRanks, len(ranks)} {
		want := slices.Sorted(slices.Values(ranks[:n]))
		got := slices.Clone(ranks[:n])
		spare = sortRanks(got, spare)
		if !slices.Equal(want, got) {
			t.Errorf("%d ranks are not in order", n)
		}
	}
}

func manyNames(n int) []string {
	kinds := []string{"node", "gpu-node", "login", "storage", "db"}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d.cluster%d", kinds[i%len(kinds)], i, i%7)
	}
	return names
}

// BenchmarkSearch is what a key costs at 50,000 hosts of which all is known.
func BenchmarkSearch(b *testing.B) {
	names := manyNames(50_000)
	x := newIndex(names)
	for i, n := range names {
		x.add(n, []string{fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), "dany"})
	}
	for _, query := range []string{"n", "no", "gpu", "node4999", "dany"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				x.last = "" // the same query again would find the answer of before
				x.search(query)
			}
		})
	}
}

// BenchmarkKey is a whole key press at 50,000 hosts: search and draw.
func BenchmarkKey(b *testing.B) {
	term := newRecordedScreen(120, 34)
	if err := term.Init(); err != nil {
		b.Fatal(err)
	}
	f := newFake()
	names := manyNames(50_000)
	f.inv = func() *fakeInventory { return &fakeInventory{names: names} }
	s := newScreen(b.Context(), f, Options{})
	s.term = &opened{Screen: term}
	s.setInventory(f.Read(), false)
	press := func(r rune) {
		s.handle(tcell.NewEventKey(tcell.KeyRune, r, tcell.ModNone))
		s.SetRect(0, 0, 120, 34)
		s.Draw(term)
	}
	for b.Loop() {
		for _, r := range "no" { // not the same key twice, see BenchmarkSearch
			s.searchClear()
			s.search()
			press(r)
		}
	}
}

func TestTheSearchNarrowsByFieldsAndPatterns(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("Hosts ─ 11")
	for _, row := range []struct {
		query string
		sees  []string
	}{
		{"tag:gpu", []string{"1 of 11", "targaryen"}},
		{"tag:GPU tag:co*", []string{"1 of 11", "targaryen"}},
		{"via:got-bastion", []string{"3 of 11", "targaryen", "martell", "far-away"}},
		{"via:got-bastion far", []string{"1 of 11", "far-away"}},
		{"user:jdoe ens", []string{"3 of 11", "work-ens"}},
		{"*ell", []string{"2 of 11", "tyrell", "martell"}},
		{"tag:", []string{"Hosts ─ 11"}},
		{"tag:none", []string{"0 of 11", "No host matches"}},
		{"2001:db8", []string{"0 of 11"}},
	} {
		st.keys("/" + row.query)
		st.sees(append(row.sees, "/ "+row.query)...)
		st.keys("Esc")
		st.loses("/ " + row.query)
	}
}

// TestASearchTakesThePlaceOfTheOneBefore: who looks for another host begins with /,
// and has not to clear first.
func TestASearchTakesThePlaceOfTheOneBefore(t *testing.T) {
	st := perform(t, newFake(), 100, 30, Options{})
	st.sees("got-bastion")
	st.keys("/targ", "Enter")
	st.sees("/ targ", "1 of 11")
	st.keys("/")
	st.sees("→ add to it")
	st.keys("t")
	st.loses("→ add to it")
	st.keys("yrell", "Enter")
	st.sees("/ tyrell", "▌○ tyrell")
	st.keys("/", "Right", "x")
	st.sees("/ tyrellx", "No host matches")
	st.keys("Enter", "/")
	st.sees("→ add to it")
	st.click("→ add to it")
	st.loses("→ add to it")
	st.keys("y", "Enter")
	st.sees("/ tyrellxy", "0 of 11")
	st.keys("/", "Backspace")
	st.loses("0 of 11")
}

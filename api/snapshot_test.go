package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestApplyFollowsEachKindOfEvent(t *testing.T) {
	link := func(id string, s LinkState) *Link { return &Link{ID: id, State: s} }
	for name, row := range map[string]struct {
		events []Event
		want   Snapshot
	}{
		"a new link is appended": {
			[]Event{{Seq: 1, Link: link("a", LinkConnecting)}, {Seq: 2, Link: link("b", LinkUp)}},
			Snapshot{Seq: 2, Links: []Link{{ID: "a", State: LinkConnecting}, {ID: "b", State: LinkUp}}},
		},
		"a known link is replaced in its place": {
			[]Event{{Seq: 1, Link: link("a", LinkConnecting)}, {Seq: 2, Link: link("b", LinkUp)}, {Seq: 3, Link: link("a", LinkUp)}},
			Snapshot{Seq: 3, Links: []Link{{ID: "a", State: LinkUp}, {ID: "b", State: LinkUp}}},
		},
		"a link that is gone is removed": {
			[]Event{{Seq: 1, Link: link("a", LinkUp)}, {Seq: 2, LinkGone: "a"}},
			Snapshot{Seq: 2, Links: []Link{}},
		},
		"an answered question is removed": {
			[]Event{{Seq: 1, Question: &Question{ID: "q"}}, {Seq: 2, QuestionGone: "q"}},
			Snapshot{Seq: 2, Questions: []Question{}},
		},
		"a snapshot replaces everything": {
			[]Event{{Seq: 1, Link: link("a", LinkUp)}, {Seq: 9, Snapshot: &Snapshot{Seq: 9, Tunnels: []Tunnel{{ID: "t"}}}}},
			Snapshot{Seq: 9, Tunnels: []Tunnel{{ID: "t"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got Snapshot
			for _, e := range row.events {
				got.Apply(e)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("snapshot differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyKeepsTheNewestLogEntries(t *testing.T) {
	var s Snapshot
	for i := range LogLimit + 7 {
		s.Apply(Event{Seq: uint64(i), Log: &Entry{Message: fmt.Sprint(i)}})
	}
	if len(s.Log) != LogLimit {
		t.Fatalf("%d entries, want %d", len(s.Log), LogLimit)
	}
	if first, last := s.Log[0].Message, s.Log[LogLimit-1].Message; first != "7" || last != fmt.Sprint(LogLimit+6) {
		t.Errorf("entries %s to %s, want 7 to %d", first, last, LogLimit+6)
	}
}

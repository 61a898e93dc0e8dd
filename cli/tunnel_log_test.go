package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"sallyport/api"
)

func TestAWatcherOfTunnelsIsToldOfEachChangeInALine(t *testing.T) {
	t.Parallel()
	web := api.Tunnel{ID: "1", Host: "web", Spec: api.TunnelSpec{Kind: api.LocalForward, Listen: api.Address{Network: "tcp", Port: 8080}}, State: api.TunnelOpening}
	up, other := web, web
	up.State = api.TunnelUp
	other.ID, other.Host = "2", "other"
	begin := func(list ...api.Tunnel) api.Event { return api.Event{Snapshot: &api.Snapshot{Tunnels: list}} }
	for _, row := range []struct {
		name   string
		args   []string
		events []api.Event
		want   string // ID and state of each line
	}{
		{"those that are on come first", nil, []api.Event{begin(web, other)}, "1 opening, 2 opening"},
		{"then each change", nil, []api.Event{begin(web), {Tunnel: &up}}, "1 opening, 1 up"},
		{"one that is switched off is told of as closed", nil, []api.Event{begin(up), {TunnelGone: "1"}}, "1 up, 1 closed"},
		{"once", nil, []api.Event{begin(up), {TunnelGone: "1"}, {TunnelGone: "1"}}, "1 up, 1 closed"},
		{"so are those of a process that has gone", nil, []api.Event{begin(up, other), begin()}, "1 up, 2 opening, 1 closed, 2 closed"},
		{"what the next one brings back is no news of an end", nil, []api.Event{begin(up), begin(web)}, "1 up, 1 opening"},
		{"a host leaves out the others", []string{"web"}, []api.Event{begin(web, other), {TunnelGone: "2"}}, "1 opening"},
		{"so does its port", []string{"other", "8080"}, []api.Event{begin(web, other)}, "2 opening"},
		{"and an ID", []string{"2"}, []api.Event{begin(web, other)}, "2 opening"},
		{"other news are none of its business", nil, []api.Event{{Link: &api.Link{ID: "1"}}, {LinkGone: "1"}}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			w := tunnelWatch{args: row.args, lines: json.NewEncoder(&out), seen: map[string]api.Tunnel{}}
			for _, e := range row.events {
				if err := w.see(e); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				var s api.Tunnel
				if err := json.Unmarshal([]byte(line), &s); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				got = append(got, s.ID+" "+string(s.State))
			}
			if strings.Join(got, ", ") != row.want {
				t.Errorf("the lines are %q, want %q", got, row.want)
			}
		})
	}
}

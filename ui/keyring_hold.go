package ui

import (
	"context"

	"sallyport/api"
)

func noKeyToHold(s *screen) string {
	if reason := noKey(s); reason != "" {
		return reason
	}
	if pair := s.currentKey(); !pair.InAgent && pair.Private == nil {
		return "Its private half is not here."
	}
	return ""
}

func (s *screen) canHoldKey() bool { return noKeyToHold(s) == "" }

// holdKey gives a key to the agent, or takes it out. One that only the agent has
// would be gone then.
func (s *screen) holdKey() {
	pair := s.currentKey()
	switch {
	case !pair.InAgent:
		s.tell("Giving " + pairName(pair) + " to the agent…")
		s.withAgent(func(ctx context.Context, ask api.Interview) error { return s.b.HoldKey(ctx, pair, ask) }, pair, "The agent holds "+pairName(pair)+".")
	case pair.Path == "":
		s.confirm("Take it out of the agent?", button{"Take it out", 't', func() { s.forgetKey(pair) }}, "Only the agent has this key: no file here does.")
	default:
		s.forgetKey(pair)
	}
}

func (s *screen) forgetKey(pair *api.KeyPair) {
	s.withAgent(func(ctx context.Context, _ api.Interview) error { return s.b.ForgetKey(ctx, pair) }, pair, "The agent has forgotten "+pairName(pair)+".")
}

// withAgent has the agent do something with a key, whose passphrase may have to
// be asked for. Whoever quits gives it up.
func (s *screen) withAgent(do func(context.Context, api.Interview) error, pair *api.KeyPair, done string) {
	s.spawn(func() {
		err := do(s.ctx, s.interview)
		s.in.do(func() {
			if err != nil {
				message, hint := sentence(err)
				s.fail("", pairName(pair)+": "+message, hint)
				return
			}
			s.tell(done)
			s.note("", done, "")
			s.followKeys()
		})
	})
}

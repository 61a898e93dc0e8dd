package ui

import (
	"context"
	"fmt"
	"slices"

	"sallyport/api"
)

// askNext shows the oldest question that waits, and drops the dialog of one
// that was answered elsewhere. While somebody types a search it waits: what
// is typed there must not become an answer.
func (s *screen) askNext() {
	open, typing := s.unansweredYet(), false
	for _, o := range s.own {
		open = append(open, o.Question)
	}
	if d := s.dialog; d != nil {
		i := slices.IndexFunc(open, func(q api.Question) bool { return q.ID == d.question })
		if i >= 0 {
			d.title = questionTitle(open[i], open)
		}
		if i >= 0 || d.question == "" {
			return
		}
		typing = d.typed() || d.held
		d.wipe()
		s.dialog = nil
		if typing && len(open) == 0 {
			s.dialog = s.goneDialog(d.title)
		}
	}
	if len(open) > 0 && !s.list.typing && !s.journal.typing && !s.form.busyTyping() && s.where() != inNode {
		s.dialog = s.questionDialog(open[0], open)
		if typing {
			s.dialog.hold()
		}
	}
}

// goneDialog is in place of one in which somebody was typing: what comes of that is
// no key of the page below.
func (s *screen) goneDialog(title string) *dialog {
	leave := func() { s.dialog = nil; s.askNext() }
	return &dialog{
		title: title, focus: -1, escape: leave,
		body:    []paragraph{{text: "Nobody waits for this answer any more: it was given elsewhere, or the connection has gone. What was typed is forgotten.", style: s.plain}},
		buttons: []button{{"Close", 'c', leave}},
	}
}

// answersTo is how many answers some questions take.
func answersTo(open []api.Question) (n int) {
	for i, q := range open {
		if !slices.ContainsFunc(open[:i], func(before api.Question) bool { return before.Alike(q) }) {
			n++
		}
	}
	return n
}

// unansweredYet are the questions of links to which no answer is on its way.
func (s *screen) unansweredYet() []api.Question {
	return slices.DeleteFunc(slices.Clone(s.snap.Questions), func(q api.Question) bool { return s.answered[q.ID] })
}

// questionTitle names who waits for the answer to a question, and tells how many are
// to be answered.
func questionTitle(q api.Question, open []api.Question) string {
	title := clean(q.Host)
	if q.Hops > 1 {
		title += fmt.Sprintf(", hop %d of %d", q.Hop, q.Hops)
	}
	if q.Goal != "" && q.Goal != q.Host {
		title += " to " + clean(q.Goal)
	}
	title += andOthers(len(others(q, open)))
	if n := answersTo(open); n > 1 {
		title += fmt.Sprintf(" (1 of %d questions)", n)
	}
	return title
}

// andOthers are so many hosts behind the name of one.
func andOthers(n int) string {
	if n == 0 {
		return ""
	}
	return " and " + count(n, "other")
}

// questionDialog is the form for one of the questions that wait.
func (s *screen) questionDialog(q api.Question, open []api.Question) *dialog {
	d := &dialog{question: q.ID, title: questionTitle(q, open), escape: func() { s.decline(q) }}
	d.body = s.questionText(q)
	for _, p := range q.Prompts {
		d.fields = append(d.fields, &prompt{p.Text, newField(!p.Echo)})
	}
	if q.Kind == api.AskHostKey || len(q.Prompts) == 0 && len(q.Choices) > 0 {
		d.focus = -1
		for _, choice := range q.Choices {
			b := choiceButton(q, choice)
			b.do = func() { s.answer(q, d, api.Answer{Choice: choice}) }
			d.buttons = append(d.buttons, b)
		}
	} else {
		d.buttons = s.answerButtons(q, d)
	}
	return d
}

// answerButtons end a form. What may be kept is kept only by a button of its
// own: Enter in the last field presses the first.
func (s *screen) answerButtons(q api.Question, d *dialog) []button {
	all := []button{{"Answer", 'a', func() { s.answer(q, d, d.texts()) }}}
	if q.MayKeep {
		all = append(all, button{"Keep while connected", 'k', func() {
			kept := d.texts()
			kept.Keep = true
			s.answer(q, d, kept)
		}})
	}
	return append(all, button{"Decline", 'd', d.escape})
}

func (d *dialog) texts() api.Answer {
	var a api.Answer
	for _, f := range d.fields {
		a.Texts = append(a.Texts, slices.Clone(f.text))
	}
	return a
}

// choiceButton words a choice; one of a newer version is shown as it is.
func choiceButton(q api.Question, choice string) button {
	switch choice {
	case api.AcceptOnce:
		if q.Kind == api.AskShare {
			return button{label: "Allow", key: 'a'}
		}
		return button{label: "Only now", key: 'o'}
	case api.AcceptAndRemember:
		return button{label: "Accept and remember", key: 'a'}
	case api.Refuse:
		return button{label: "Refuse", key: 'r'}
	case api.AddKey:
		return button{label: "Add to agent", key: 'a'}
	}
	return button{label: clean(choice)}
}

// questionText says what is asked, by whom, and what to compare.
func (s *screen) questionText(q api.Question) []paragraph {
	var out []paragraph
	say := func(text string) { out = append(out, paragraph{text: text, style: s.plain}) }
	gap := func() { out = append(out, paragraph{}) }
	if q.Try > 1 {
		out = append(out, paragraph{text: fmt.Sprintf("✗ That was wrong, try again (try %d).", q.Try), style: s.bad})
		gap()
	}
	if q.FromServer && q.Title != "" {
		say(q.Title) // ours, so it stands above what the server says
		q.Title = ""
	}
	out = append(out, s.whoAsks(q))
	if l := s.world.links[q.Link]; l != nil && (q.Kind == api.AskPassword || q.Kind == api.AskInteractive) {
		for _, text := range bannerEnd(l, "") {
			out = append(out, paragraph{text: text, style: s.dim, quoted: true})
		}
	}
	if q.Title != "" && q.Kind != api.AskHostKey {
		say(q.Title)
	}
	if q.Instruction != "" && q.Kind != api.AskHostKey {
		out = append(out, paragraph{text: q.Instruction, style: s.plain, quoted: q.FromServer})
	}
	if k := q.HostKey; k != nil {
		say(q.Title)
		gap()
		out = append(out, paragraph{text: k.Type + "  " + k.Fingerprint, style: s.bold})
		out = append(out, paragraph{text: k.Art, style: s.plain, verbatim: true})
		if k.Note != "" {
			say(k.Note)
		}
		if q.Instruction == "" {
			q.Instruction = "Compare it with what the people who run this host publish."
		}
		gap()
		say(q.Instruction)
	}
	return out
}

// whoAsks tells the person where the answer goes.
func (s *screen) whoAsks(q api.Question) paragraph {
	text := "For " + q.Address
	switch {
	case q.Kind == api.AskPIN && q.File != "":
		text = "Unlocks the security key of " + q.File + "; it is not sent anywhere else."
	case q.Kind == api.AskAddKey:
		text = "AddKeysToAgent of " + q.Host + " is ask."
	case q.Kind == api.AskShare:
		text = "ControlMaster of " + q.Host + " asks before an ssh uses its connection."
	case q.Kind == api.AskPassphrase && q.File != "":
		text = "Unlocks the key file " + q.File + " on this computer; it is not sent anywhere."
	case q.FromServer && q.Instruction != "":
		text = "The server " + q.Address + " says:"
	}
	return paragraph{text: text, style: s.dim}
}

// answer sends an answer; the dialog is over as soon as it is on its way.
func (s *screen) answer(q api.Question, d *dialog, a api.Answer) {
	d.wipe()
	if s.reply(q, &a) {
		return
	}
	all := append([]api.Question{q}, others(q, s.unansweredYet())...)
	s.finish(all...)
	s.act(func(ctx context.Context) error {
		defer a.Wipe()
		return s.b.Answer(ctx, q.ID, a)
	}, func(err error) { s.unanswered(err, all...) })
}

// others are those of the open questions that the answer to q answers too.
func others(q api.Question, open []api.Question) []api.Question {
	return slices.DeleteFunc(slices.Clone(open), func(o api.Question) bool { return o.ID == q.ID || !o.Alike(q) })
}

// decline tells that there will be no answer to a question, nor to those that it would
// answer too.
func (s *screen) decline(q api.Question) {
	if s.dialog != nil {
		s.dialog.wipe()
	}
	if s.reply(q, nil) {
		return
	}
	too := others(q, s.unansweredYet())
	all := append([]api.Question{q}, too...)
	s.finish(all...)
	for _, one := range all {
		s.act(func(ctx context.Context) error { return s.b.Cancel(ctx, one.ID) }, func(err error) { s.unanswered(err, one) })
	}
	switch q.Kind {
	case api.AskAddKey:
		s.tell("The key is not added to the agent.")
	case api.AskShare:
		s.tell("Refused. The connection to " + clean(q.Host) + " goes on.")
	default:
		s.tell("Not answered: " + givenUp(q.Host, len(too)))
	}
}

// givenUp says whose connections are.
func givenUp(host string, others int) string {
	if others == 0 {
		return "the connection to " + clean(host) + " is given up."
	}
	return "the connections to " + clean(host) + andOthers(others) + " are given up."
}

// finish takes the dialog away and shows the next question.
func (s *screen) finish(answered ...api.Question) {
	for _, q := range answered {
		s.answered[q.ID] = true
	}
	s.dialog = nil
	s.askNext()
}

// unanswered brings questions back whose answer has not arrived, the first of which
// was shown.
func (s *screen) unanswered(err error, asked ...api.Question) {
	if err == nil {
		return
	}
	for _, q := range asked {
		delete(s.answered, q.ID)
	}
	message, hint := sentence(err)
	s.fail(asked[0].Host, message, hint)
	s.askNext()
}

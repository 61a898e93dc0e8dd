package transport

// plainPassword is the wording of a keyboard-interactive prompt for the
// account's password, as PAM, sshd and Kerberos have it. Whatever else is
// asked for may be a one-time code.
var plainPassword = pattern(`^(?i)(\S+@\S+'s )?password( for \S+)?:?$`)

// mayKeep tells whether the answer to a question may be kept: never that to a
// prompt for a code.
func mayKeep(q Question) bool {
	switch q.Kind {
	case AskPassphrase, AskPassword:
		return true
	case AskInteractive:
		return len(q.Prompts) == 1 && !q.Prompts[0].Echo && plainPassword().MatchString(q.Prompts[0].Text)
	}
	return false
}

// claimOf is what the answer to a question is kept for.
func claimOf(q Question) claim {
	c := claim{kind: q.Kind, file: q.File}
	if len(q.Prompts) == 1 {
		c.prompt = q.Prompts[0].Text
	}
	return c
}

// recall is the kept answer to a question, nil if there is none. That a login
// asks for it twice means that it was refused: it is dropped.
func (a *auth) recall(q Question) []byte {
	c := claimOf(q)
	if !mayKeep(q) {
		return nil
	}
	if a.recalled[c] {
		a.kept.drop(c)
		a.chain.drop(c)
		return nil
	}
	text, _ := a.kept.get(c)
	if text == nil {
		var keep bool
		if text, keep = a.chain.get(c); keep {
			a.pending.put(c, text, true)
		}
	}
	a.recalled[c] = text != nil
	return text
}

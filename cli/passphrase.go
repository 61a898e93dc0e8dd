package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"sallyport/api"
)

// asIs puts a question of this process as its own words say it.
var asIs = wording{
	heading: func(api.Question) string { return "" },
	prompt:  func(_ api.Question, p api.Prompt) string { return promptText(p.Text) },
}

// askLine asks a person here, on the terminal or by SSH_ASKPASS.
func askLine(ctx context.Context, text string, echo bool) ([]byte, error) {
	answer, err := prompt(ctx, api.Question{Prompts: []api.Prompt{{Text: text, Echo: echo}}}, asIs)
	if err != nil {
		return nil, err
	}
	return answer.Texts[0], nil
}

// passphraseTries is how often the passphrase of a file is asked for:
// NumberOfPasswordPrompts of ssh_config(5).
const passphraseTries = 3

// filePassphrase asks for the passphrase of a key file; it is a
// keys.Passphrase.
func filePassphrase(ctx context.Context, path string, try int) ([]byte, error) {
	return passphraseOf(ctx, "key '"+path+"'", try)
}

func passphraseOf(ctx context.Context, what string, try int) ([]byte, error) {
	if try > passphraseTries {
		return nil, errors.New("the passphrase is wrong")
	}
	again := ""
	if try > 1 {
		again = "That was wrong. "
	}
	return askLine(ctx, again+"Enter passphrase for "+api.Printable(what), false)
}

// askpassHint is for who is asked for the passphrase of a file without a
// terminal.
const askpassHint = "SSH_ASKPASS names a program that asks, with SSH_ASKPASS_REQUIRE=force"

// The first words of newPassphrase, as ssh-keygen has them.
const (
	enterPassphrase    = "Enter passphrase"
	enterNewPassphrase = "Enter new passphrase"
)

// newPassphrase asks twice for a passphrase that protects a file, and tells
// what it is worth in between. None at all has to be meant.
func (a *app) newPassphrase(ctx context.Context, enter string) ([]byte, error) {
	passphrase, err := askLine(ctx, enter+" (empty for no passphrase)", false)
	if err != nil {
		return nil, err
	}
	if len(passphrase) == 0 {
		return nil, meantEmpty(ctx)
	}
	return a.confirmed(ctx, passphrase)
}

// confirmed tells what a passphrase is worth and asks for it once more.
func (a *app) confirmed(ctx context.Context, passphrase []byte) ([]byte, error) {
	fmt.Fprintf(a.Err, "  %s\n", api.PassphraseStrength(passphrase))
	again, err := askLine(ctx, "Enter same passphrase again", false)
	defer clear(again)
	if err == nil && !bytes.Equal(passphrase, again) {
		err = &api.Error{Code: "passphrase", Message: "the passphrases differ; nothing was written"}
	}
	if err != nil {
		clear(passphrase)
		return nil, err
	}
	return passphrase, nil
}

func meantEmpty(ctx context.Context) error {
	answer, err := askLine(ctx, "Whoever gets the file can then use the key. Without a passphrase (yes/no)?", true)
	if err == nil && string(bytes.ToLower(bytes.TrimSpace(answer))) != "yes" {
		err = errDeclined
	}
	return err
}

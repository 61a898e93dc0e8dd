package config

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// LoadExactly is Load with the defaults of the ssh that is installed as it tells
// them itself: they depend on who built it, and on its release, which may be
// newer than those known here. It runs ssh -G once, which reads no file then. An
// ssh that does not answer is taken for what its banner says.
func LoadExactly(ctx context.Context, p Paths) *Config { return load(p, exact(ctx)) }

var (
	exactly     sync.Once
	exactAnswer *dialect
)

// exact is the dialect of the ssh in PATH with its own defaults.
func exact(ctx context.Context) *dialect {
	exactly.Do(func() {
		exactAnswer = installed()
		ssh, err := Program()
		if err != nil {
			return
		}
		if lines, refused, err := ask(ctx, ssh, "none", "host"); err == nil && refused == "" {
			exactAnswer = installed().learn(lines)
		}
	})
	return exactAnswer
}

// learn is the dialect with the defaults that ssh -F none -G prints.
func (d *dialect) learn(lines []string) *dialect {
	learned := *d
	learned.defaults, learned.identities = map[key]string{}, nil
	for _, k := range reckoned {
		if text, ok := d.defaults[k]; ok {
			learned.defaults[k] = text
		}
	}
	for _, line := range lines {
		word, value, _ := strings.Cut(line, " ")
		switch k := lookup(word); {
		case slices.Contains(reckoned, k):
		case k == kIdentityFile:
			learned.identities = append(learned.identities, strings.TrimPrefix(value, identityDir))
		case learned.list(k) != nil:
			learned.list(k).defaults = names(value)
		case k >= kUser && k < keyCount && !(keywords[k].shape == joined && value == "none"):
			learned.defaults[k] = value
			learned.gssapi = learned.gssapi || kGSSAPIKeyExchange <= k && k <= kGSSAPIKexAlgorithms && k != kGSSAPIDelegateCredentials
		}
	}
	return &learned
}

// reckoned are the options of which ssh -G prints more than a default, or less.
var reckoned = []key{kHost, kUser, kHostName, kPort, kUpdateHostKeys, kUserKnownHostsFile, kRekeyLimit, kRekeyInterval, kRevokedHostKeys}

package event

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// MaxWebhooks is how many a user may have.
const MaxWebhooks = 20

const (
	maxPatterns    = 50
	maxURL         = 2000
	maxDescription = 400
)

// Webhook is an address that wants to be told.
type Webhook struct {
	ID   string
	User string
	URL  string
	// Types are patterns.
	Types       []string
	Description string
	Enabled     bool
	// AllUsers gets everybody's events and the operator's; for operators alone.
	AllUsers bool
	// DisabledReason is why the host disabled it.
	DisabledReason string
	// FailingSince is when a delivery was given up last, with none that succeeded since.
	FailingSince *time.Time
	// Sealed holds the keyring.
	Sealed    vault.Sealed
	CreatedAt time.Time
}

// Hooks keeps webhooks. It is a part of Store.
type Hooks interface {
	// InsertWebhook stores a new one; false where its user has MaxWebhooks already.
	InsertWebhook(ctx context.Context, w Webhook, most int) (bool, error)
	// Webhook answers one of a user's, or ErrNotFound.
	Webhook(ctx context.Context, user, id string) (Webhook, error)
	ListWebhooks(ctx context.Context, user, before string, limit int) ([]Webhook, error)
	// ChangeWebhook alters one of a user's under a lock of its row. Where it is not enabled any more, what is due is given up.
	ChangeWebhook(ctx context.Context, user, id string, change func(*Webhook) error) (Webhook, error)
	// DeleteWebhook removes one of a user's with its deliveries, if allow agrees.
	DeleteWebhook(ctx context.Context, user, id string, allow func(Webhook) error) error
}

// checkURL answers what is wrong with an address. Where it leads is checked when it is dialled, each time.
func checkURL(raw string, plain bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxURL || u.Host == "" || u.Hostname() == "" || u.Opaque != "" || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return &InvalidError{"/url", "must be a URL such as https://example.com/hook, of at most 2000 characters"}
	case u.User != nil:
		return &InvalidError{"/url", "must hold no user and password: the signature proves who sent it"}
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return &InvalidError{"/url", "must have no fragment"}
	case u.Scheme == "https", u.Scheme == "http" && plain:
		return nil
	case u.Scheme == "http":
		return &InvalidError{"/url", "must begin with https://; the operator may allow http:// with --allow-private-webhooks"}
	}
	return &InvalidError{"/url", "must begin with https://"}
}

// checkTypes answers the patterns to store: all where none is given.
func checkTypes(types []string) ([]string, error) {
	if len(types) == 0 {
		return []string{"*"}, nil
	}
	if len(types) > maxPatterns {
		return nil, &InvalidError{"/types", fmt.Sprintf("must be at most %d", maxPatterns)}
	}
	for i, t := range types {
		if !validPattern(t) {
			return nil, &InvalidError{fmt.Sprintf("/types/%d", i), patternHelp}
		}
	}
	out := slices.Clone(types)
	slices.Sort(out)
	return slices.Compact(out), nil
}

func checkDescription(s string) error {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxDescription || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &InvalidError{"/description", fmt.Sprintf("must be plain text of at most %d characters on one line", maxDescription)}
	}
	return nil
}

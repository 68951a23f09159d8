package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Budgets keeps rate limits that are known beforehand, for all hosts together: it grants calls of them.
type Budgets interface {
	// TakeBudget grants at most want calls of an integration's budget, which are to reach the platform within lasting. The calls that are
	// granted within lasting and the budget's period are never more than it has. Where none is granted it answers after how long to ask again.
	TakeBudget(ctx context.Context, integration, budget string, l catalog.RateLimit, want int, lasting time.Duration) (granted int, wait time.Duration, err error)
}

const (
	// maxBudgets bounds how many budgets a host has in mind; those without a grant and without a waiter go.
	maxBudgets = 100_000
	// shares is into how many grants a host divides a budget at least: another host gets its share soon, and none asks for every call.
	shares = 20
	// maxLasting bounds how long a grant lasts.
	maxLasting = 2 * time.Second
)

// budgets is this host's part of the budgets.
type budgets struct {
	from Budgets
	mu   sync.Mutex
	of   map[string]*budget
}

func newBudgets(from Budgets) *budgets { return &budgets{from: from, of: map[string]*budget{}} }

// budget is this host's part of one.
type budget struct {
	integration, name string
	limit             catalog.RateLimit
	asking            chan struct{} // holds a value while somebody asks for a grant

	mu      sync.Mutex
	granted int
	until   time.Time // until when the grant may be used
	dry     time.Time // there is nothing to be had before
	waiting int       // calls that wait for dry
}

// matching answers the limits that an operation is under: the platform's, or those that the operator put in their place.
func matching(p *catalog.Platform, s catalog.Settings, operation string) []catalog.RateLimit {
	limits := p.RateLimits
	if s.RateLimits != nil {
		limits = s.RateLimits
	}
	if len(limits) == 0 {
		return nil
	}
	var out []catalog.RateLimit
	for _, l := range limits {
		if l.Calls > 0 && l.PerSeconds > 0 && (len(l.Operations) == 0 || slices.Contains(l.Operations, operation)) {
			out = append(out, l)
		}
	}
	return out
}

// take takes one call of each budget, and waits for it as long as the deadline allows.
func (b *budgets) take(ctx context.Context, integration string, limits []catalog.RateLimit) error {
	for _, l := range limits {
		if err := b.find(integration, l).take(ctx, b.from); err != nil {
			return err
		}
	}
	return nil
}

func (b *budgets) find(integration string, l catalog.RateLimit) *budget {
	name := fmt.Sprintf("%d/%d %s", l.Calls, l.PerSeconds, strings.Join(l.Operations, ","))
	key := integration + " " + name
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.of[key]
	if found == nil {
		if len(b.of) >= maxBudgets {
			b.sweep()
		}
		found = &budget{integration: integration, name: name, limit: l, asking: make(chan struct{}, 1)}
		b.of[key] = found
	}
	return found
}

// sweep forgets budgets that nobody needs now. A grant that is lost so ends unused.
func (b *budgets) sweep() {
	now := time.Now()
	for key, one := range b.of {
		one.mu.Lock()
		if one.waiting == 0 && now.After(one.until) && len(one.asking) == 0 {
			delete(b.of, key)
		}
		one.mu.Unlock()
	}
}

// take takes one call.
func (b *budget) take(ctx context.Context, from Budgets) error {
	for {
		ok, wait := b.use()
		switch {
		case ok:
			return nil
		case wait > 0:
			slept := sleep(ctx, wait)
			b.mu.Lock()
			b.waiting--
			b.mu.Unlock()
			if !slept {
				return b.spent(wait)
			}
		default:
			if err := b.ask(ctx, from); err != nil {
				return err
			}
		}
	}
}

// use takes a call of the grant, or says when this call's turn is; 0 where more is to be asked for. Who is told to wait counts as waiting.
func (b *budget) use() (bool, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.granted > 0 && now.Before(b.until) {
		b.granted--
		return true, 0
	}
	b.granted = 0
	if !now.Before(b.dry) {
		return false, 0
	}
	turns := b.waiting / int(b.limit.Calls) // as many go when there is more; the next ones a period later
	b.waiting++
	return false, b.dry.Sub(now) + time.Duration(turns)*b.period()
}

// ask gets a grant, one asker at a time.
func (b *budget) ask(ctx context.Context, from Budgets) error {
	select {
	case b.asking <- struct{}{}:
	case <-ctx.Done():
		return b.spent(b.period())
	}
	defer func() { <-b.asking }()
	b.mu.Lock()
	known := b.granted > 0 || time.Now().Before(b.dry)
	b.mu.Unlock()
	if known {
		return nil // another has asked meanwhile
	}
	lasting := min(b.period()/5, maxLasting)
	began := time.Now()
	granted, wait, err := from.TakeBudget(ctx, b.integration, b.name, b.limit, max(1, int(b.limit.Calls)/shares), lasting)
	if err != nil {
		return fmt.Errorf("taking of a rate limit's budget: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if granted > 0 {
		b.granted, b.until = granted, began.Add(lasting/2) // the other half is for the way to the platform
		return nil
	}
	b.dry = time.Now().Add(max(wait, time.Millisecond))
	return nil
}

func (b *budget) period() time.Duration { return time.Duration(b.limit.PerSeconds) * time.Second }

// spent is the failure of a call whose turn would come after its deadline.
func (b *budget) spent(wait time.Duration) error {
	return &catalog.Failure{Kind: catalog.RateLimited, RetryAfter: wait, NotSent: true, Message: fmt.Sprintf(
		"The platform takes %d calls in %d s from this integration, and they are used up. There is a turn in %s.", b.limit.Calls, b.limit.PerSeconds, wait.Round(time.Millisecond))}
}

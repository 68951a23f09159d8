package release

import (
	"context"
	"errors"
	"time"
)

// verdictTime is how long a verdict is tried to be stored.
const verdictTime = 30 * time.Second

// Judge takes what this host found of a release: one that came into service is told, one that was given up is replaced on every host by
// the release before it, or dropped where it was a canary. It returns when that is stored, or was tried for a while.
func (s *Shelf) Judge(v Verdict) {
	ctx, cancel := context.WithTimeout(context.Background(), verdictTime)
	defer cancel()
	for {
		err := s.judge(ctx, v)
		if err == nil {
			return
		}
		if !errors.Is(err, ErrChanged) {
			s.cfg.Logger.Warn("a verdict on a release could not be stored", "adapter", v.Adapter, "version", v.Release.Version, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *Shelf) judge(ctx context.Context, v Verdict) error {
	if v.Good {
		return s.cfg.Store.AddEvent(ctx, s.event(Event{Kind: "swapped", Version: v.Release.Version, Detail: "in service on this host"}, v.Adapter, "host"))
	}
	d, known, err := s.desired(ctx, v.Adapter)
	if err != nil {
		return err
	}
	e := Event{Kind: "failed", Version: v.Release.Version, Detail: v.Reason}
	switch {
	case !known, d.Revision != v.Revision: // another host was first, or an operator
		return s.cfg.Store.AddEvent(ctx, s.event(e, v.Adapter, "host"))
	case v.Canary && d.Canary == v.Release.Version:
		e.Kind = "canary_dropped"
		d.Canary, d.Share = "", 0
	case !v.Canary && d.Version == v.Release.Version && d.Previous != "":
		e.Kind = "rolled_back"
		e.Detail = "to " + d.Previous + ": " + v.Reason
		d.Version, d.Previous = d.Previous, ""
	default: // nothing to fall back to
		return s.cfg.Store.AddEvent(ctx, s.event(e, v.Adapter, "host"))
	}
	if err := s.cfg.Store.Fail(ctx, v.Release, v.Reason); err != nil {
		return err
	}
	d.Forced, d.ChangedBy = false, "host"
	d.Revision++
	if err := s.cfg.Store.PutDesired(ctx, d, s.event(e, v.Adapter, "host")); err != nil {
		return err
	}
	s.cfg.Logger.Error("a release was given up on every host", "adapter", v.Adapter, "version", v.Release.Version, "now", d.Version, "reason", v.Reason)
	s.Kick()
	if err := s.cfg.Record(ctx, "host", "adapter."+e.Kind, v.Adapter, "version", v.Release.Version, "reason", v.Reason); err != nil {
		return err
	}
	if err := s.cfg.Announce(ctx, Topic, v.Adapter); err != nil {
		s.cfg.Logger.Warn("a host was not told of a rollback; it finds it by itself", "adapter", v.Adapter, "error", err)
	}
	return nil
}

package mount

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Change asks for a platform.
type Change struct {
	Actor, ID  string
	Definition Definition
	// Document is what the platform is made of; none for a variant, and on replacing, for the document that is stored.
	Document []byte
	// Replace takes the place of the platform that there is, Force does so though what is in use would be lost.
	Replace, Force bool
	// DryRun only tells what would be.
	DryRun bool
}

// Review is what a change brings about.
type Review struct {
	Record
	Platform *catalog.Platform
	// Added, Changed and Lost are the operations that differ from those before.
	Added, Changed, Lost []string
	// NewHosts are those that it may reach and could not before, Losses what is in use and lost.
	NewHosts, Losses []string
}

var platformID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// Put makes a platform, or another version of one, and returns when it is in force on every host. What is not valid is a
// *catalog.Failure, and then nothing changes.
func (s *Service) Put(ctx context.Context, c Change) (Review, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	before, err := s.find(ctx, c.ID)
	if err != nil {
		return Review{}, err
	}
	if err := s.check(before, &c); err != nil {
		return Review{}, err
	}
	out, compiled, err := s.prepare(ctx, before, c)
	if err != nil || c.DryRun {
		return out, err
	}
	if len(out.Losses) > 0 && !c.Force {
		return out, &catalog.Failure{Kind: catalog.Conflict, Message: "What is in use would be lost: " + sentence(out.Losses) + ". Ask for it with force."}
	}
	if err := s.cfg.Store.PutMount(ctx, out.Record, c.Document, compiled); err != nil {
		return out, conflict(err)
	}
	if err := s.cfg.Record(ctx, c.Actor, "platform.mount", c.ID, "adapter", out.Adapter, "revision", strconv.FormatInt(out.Revision, 10), "digest", out.Digest); err != nil {
		return out, err
	}
	return out, s.tell(ctx, c.ID)
}

// check says what is wrong with a change, and fills in what replacing leaves as it was.
func (s *Service) check(before Record, c *Change) error {
	switch exists := before.Revision > 0; {
	case !platformID.MatchString(c.ID):
		return invalid("/id", "must be lower case letters, digits and hyphens, beginning with a letter, at most 63")
	case exists && !c.Replace:
		return &catalog.Failure{Kind: catalog.Conflict, Message: fmt.Sprintf("There is a platform %s already. Ask to replace it.", c.ID)}
	case !exists && c.Replace:
		return &catalog.Failure{Kind: catalog.PlatformNotFound, Message: fmt.Sprintf("No operator made a platform %s.", c.ID)}
	case exists && (c.Definition.Base != "") != (before.Base != ""):
		return invalid("/platform", "a platform of a document stays one, and a variant too")
	}
	return s.cfg.Catalog.CheckMount(c.ID, entryOf(Record{ID: c.ID, Definition: c.Definition}))
}

// prepare makes the platform and compares it with the one before.
func (s *Service) prepare(ctx context.Context, before Record, c Change) (Review, []byte, error) {
	out := Review{Record: Record{ID: c.ID, Revision: before.Revision + 1, Definition: c.Definition, ChangedBy: c.Actor, ChangedAt: s.cfg.Now()}}
	old, _, _ := s.cfg.Catalog.Declared(c.ID)
	if c.Definition.Base != "" {
		out.Platform = s.cfg.Catalog.Derive(c.ID, entryOf(out.Record))
		return out, nil, s.compare(ctx, &out, old)
	}
	d := c.Definition
	compiled, err := s.cfg.Compiler.Compile(ctx, d.Adapter, catalog.Order{Platform: c.ID, Name: d.Name, Description: d.Description,
		Category: d.Category, Location: d.Location, Auth: d.Auth, Include: d.Include, HasBaseURL: d.Elsewhere, Document: c.Document})
	if err != nil {
		return out, nil, err
	}
	out.Platform = compiled.Platform
	out.Format, out.Version, out.Declared, out.Findings = compiled.Format, compiled.Version, compiled.Declared, compiled.Findings
	out.Digest = digestOf(c.Document)
	return out, compiled.Encoded, s.compare(ctx, &out, old)
}

// Remove takes a platform away, and returns when it is in force on no host. Where accounts are connected to it, only by force.
func (s *Service) Remove(ctx context.Context, actor, id string, force bool) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	r, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	if r.Revision == 0 {
		return &catalog.Failure{Kind: catalog.PlatformNotFound, Message: fmt.Sprintf("No operator made a platform %s.", id)}
	}
	methods, err := s.cfg.Uses.AuthMethods(ctx, id)
	if err != nil {
		return fmt.Errorf("looking for its integrations: %w", err)
	}
	if len(methods) > 0 && !force {
		return &catalog.Failure{Kind: catalog.Conflict, Message: "Accounts are connected to this platform. Delete their integrations, or ask for it with force."}
	}
	if err := s.cfg.Store.DropMount(ctx, id, r.Revision); err != nil {
		return conflict(err)
	}
	if err := s.cfg.Record(ctx, actor, "platform.unmount", id, "adapter", r.Adapter); err != nil {
		return err
	}
	return s.tell(ctx, id)
}

// tell brings this host and the others to what is stored.
func (s *Service) tell(ctx context.Context, id string) error {
	if err := s.Reload(ctx); err != nil {
		return err
	}
	if err := s.cfg.Announce(ctx, Topic, id); err != nil {
		return fmt.Errorf("telling the other hosts: %w", err)
	}
	return nil
}

func conflict(err error) error {
	if errors.Is(err, ErrChanged) {
		return &catalog.Failure{Kind: catalog.Conflict, Message: "The platform was changed at the same time. Look at it and try again."}
	}
	return fmt.Errorf("storing the platform: %w", err)
}

func invalid(pointer, detail string) error {
	return &catalog.Failure{Kind: catalog.ValidationFailed, Message: "The platform is not valid: " + pointer + ": " + detail + ".",
		Violations: []catalog.Violation{{Pointer: pointer, Detail: detail}}}
}

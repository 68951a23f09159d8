package supervisor

import (
	"context"
	"errors"
	"io"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// Sandboxes answers the driver of an adapter that runs sandboxes.
func (s *Supervisor) Sandboxes(adapter string) box.Driver { return &sandboxes{s, adapter} }

// sandboxes speaks to the processes of one adapter. Each call goes to the process that takes the adapter's calls then.
type sandboxes struct {
	s    *Supervisor
	name string
}

// with gives f the service of a running process, as with a platform's calls but without an integration and without a way out.
func (b *sandboxes) with(ctx context.Context, f func(context.Context, adapterv1.SandboxServiceClient) error) error {
	a, err := b.s.find(b.name)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		again, err := a.serveSandbox(ctx, f)
		if err == nil || !again || try == maxTries {
			return err
		}
	}
}

// serveSandbox calls f with a process, and says whether it may do so with another one, because this one was sent nothing.
func (a *adapter) serveSandbox(ctx context.Context, f func(context.Context, adapterv1.SandboxServiceClient) error) (again bool, err error) {
	p, err := a.acquire(ctx, catalog.Request{Platform: &catalog.Platform{ID: a.name}})
	if err != nil {
		return false, err
	}
	defer p.life.give(p)
	watched, sent := watchSent(ctx)
	if err = f(watched, p.sandboxes); err == nil {
		return false, nil
	}
	err = failureOf(ctx, err)
	var failed *catalog.Failure
	if !errors.As(err, &failed) {
		return false, err
	}
	if failed.Kind == catalog.AdapterUnavailable && !sent.Load() {
		p.life.end(p, "it took no calls any more and was ended")
		failed.NotSent = true
		return true, failed
	}
	if failed.Kind == catalog.AdapterUnavailable {
		p.life.suspect(p)
	}
	return false, failed
}

func placeOf(at box.Place) *adapterv1.Place {
	return &adapterv1.Place{Folder: at.Folder, Isolation: at.Isolation}
}

// Probe says what this machine can run.
func (b *sandboxes) Probe(ctx context.Context, at box.Place) (out box.Abilities, err error) {
	err = b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		r, err := c.Probe(ctx, &adapterv1.ProbeRequest{Place: placeOf(at)})
		for _, x := range r.GetRuntimes() {
			out.Runtimes = append(out.Runtimes, box.Runtime{Name: clean(x.GetName(), 64), Version: clean(x.GetVersion(), 200), Strong: x.GetStrong(),
				Cold: x.GetCold(), Missing: clean(x.GetMissing(), 1000)})
		}
		for _, x := range r.GetTemplates() {
			out.Templates = append(out.Templates, box.Template{ID: clean(x.GetId(), 64), Description: clean(x.GetDescription(), 500), Missing: clean(x.GetMissing(), 500)})
		}
		return err
	})
	return out, err
}

// Create makes a sandbox.
func (b *sandboxes) Create(ctx context.Context, at box.Place, n box.New) (out box.Created, err error) {
	err = b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		r, err := c.Create(ctx, &adapterv1.CreateRequest{Place: placeOf(at), SandboxId: n.ID, Template: n.Template, Env: n.Env,
			Limits: &adapterv1.Limits{MemoryBytes: n.Limits.MemoryBytes, MilliCpus: n.Limits.MilliCPUs, DiskBytes: n.Limits.DiskBytes, Processes: n.Limits.Processes}})
		out = box.Created{Runtime: clean(r.GetRuntime(), 64), Strong: r.GetStrong()}
		return err
	})
	return out, err
}

// Pause stops all processes.
func (b *sandboxes) Pause(ctx context.Context, at box.Place, id string, cold bool) (isCold bool, err error) {
	err = b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		r, err := c.Pause(ctx, &adapterv1.PauseRequest{Place: placeOf(at), SandboxId: id, Cold: cold})
		isCold = r.GetCold()
		return err
	})
	return isCold, err
}

// Resume lets a sandbox go on.
func (b *sandboxes) Resume(ctx context.Context, at box.Place, id string) (memory bool, err error) {
	err = b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		r, err := c.Resume(ctx, &adapterv1.ResumeRequest{Place: placeOf(at), SandboxId: id})
		memory = r.GetPreserved() == adapterv1.Preserved_PRESERVED_MEMORY
		return err
	})
	return memory, err
}

// Destroy removes a sandbox.
func (b *sandboxes) Destroy(ctx context.Context, at box.Place, id string) error {
	return b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		_, err := c.Destroy(ctx, &adapterv1.DestroyRequest{Place: placeOf(at), SandboxId: id})
		return err
	})
}

// List answers what is there.
func (b *sandboxes) List(ctx context.Context, at box.Place) (out []box.State, err error) {
	err = b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		r, err := c.List(ctx, &adapterv1.ListRequest{Place: placeOf(at)})
		for _, x := range r.GetSandboxes() {
			out = append(out, box.State{ID: clean(x.GetSandboxId(), 64), State: clean(x.GetState(), 64), Runtime: clean(x.GetRuntime(), 64)})
		}
		return err
	})
	return out, err
}

// Stats answers what a sandbox uses.
func (b *sandboxes) Stats(ctx context.Context, at box.Place, id string) (out box.Stats, err error) {
	err = b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		r, err := c.Stats(ctx, &adapterv1.StatsRequest{Place: placeOf(at), SandboxId: id})
		out = box.Stats{MemoryBytes: r.GetMemoryBytes(), MemoryLimitBytes: r.GetMemoryLimitBytes(), CPUNanoseconds: r.GetCpuNanoseconds(), Processes: r.GetProcesses(),
			StoredBytes: r.GetStoredBytes(), DiskUsedBytes: r.GetDiskUsedBytes(), DiskLimitBytes: r.GetDiskLimitBytes()}
		return err
	})
	return out, err
}

// Work runs a command or reaches files.
func (b *sandboxes) Work(ctx context.Context, at box.Place, id string, open box.Open, feed <-chan box.Feed, each func(box.Answer) error) error {
	return b.with(ctx, func(ctx context.Context, c adapterv1.SandboxServiceClient) error {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := c.Work(ctx)
		if err != nil {
			cancel()
			return err
		}
		fed := make(chan struct{})
		defer func() { cancel(); <-fed }()
		go func() {
			defer close(fed)
			feedWork(ctx, stream, openOf(at, id, open), feed)
		}()
		for {
			r, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := each(answerOf(r)); err != nil {
				return err
			}
		}
	})
}

// feedWork sends what is fed, until it ends.
func feedWork(ctx context.Context, stream adapterv1.SandboxService_WorkClient, open *adapterv1.WorkRequest, feed <-chan box.Feed) {
	if stream.Send(open) != nil {
		return // the reader hears why
	}
	for {
		select {
		case <-ctx.Done():
			return
		case f, more := <-feed:
			if !more {
				return
			}
			if stream.Send(feedOf(f)) != nil {
				return
			}
		}
	}
}

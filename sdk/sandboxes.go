package sdk

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk/sandbox"
)

// sandboxServer serves an adapter's sandboxes over the contract.
type sandboxServer struct {
	adapterv1.UnimplementedSandboxServiceServer
	service sandbox.Service
}

// RegisterSandboxes adds the sandboxes of an adapter to a gRPC server. [Serve] does it; tests that run a service without a process do
// it by themselves.
func RegisterSandboxes(s grpc.ServiceRegistrar, service sandbox.Service) {
	adapterv1.RegisterSandboxServiceServer(s, &sandboxServer{service: service})
}

func placeOf(p *adapterv1.Place) sandbox.Place {
	return sandbox.Place{Folder: p.GetFolder(), Isolation: p.GetIsolation()}
}

func limitsOf(l *adapterv1.Limits) sandbox.Limits {
	return sandbox.Limits{MemoryBytes: l.GetMemoryBytes(), MilliCPUs: l.GetMilliCpus(), DiskBytes: l.GetDiskBytes(), Processes: l.GetProcesses()}
}

// answered bounds one method, recovers its panic and puts its failure on the wire.
func answered[T any](ctx context.Context, method string, f func(context.Context) (T, error)) (out T, err error) {
	defer func() { err = recovered(recover(), method, err) }()
	ctx, cancel := bound(ctx)
	defer cancel()
	if out, err = f(ctx); err != nil {
		var none T
		return none, wireError(inContext(ctx, err))
	}
	return out, nil
}

// Probe says what this machine can run.
func (s *sandboxServer) Probe(ctx context.Context, r *adapterv1.ProbeRequest) (*adapterv1.ProbeResponse, error) {
	return answered(ctx, "Probe", func(ctx context.Context) (*adapterv1.ProbeResponse, error) {
		a, err := s.service.Probe(ctx, placeOf(r.GetPlace()))
		out := &adapterv1.ProbeResponse{}
		for _, r := range a.Runtimes {
			out.Runtimes = append(out.Runtimes, &adapterv1.Runtime{Name: r.Name, Version: r.Version, Strong: r.Strong, Cold: r.Cold, Missing: r.Missing})
		}
		for _, t := range a.Templates {
			out.Templates = append(out.Templates, &adapterv1.Template{Id: t.ID, Description: t.Description, Missing: t.Missing})
		}
		return out, err
	})
}

// Create makes a sandbox.
func (s *sandboxServer) Create(ctx context.Context, r *adapterv1.CreateRequest) (*adapterv1.CreateResponse, error) {
	return answered(ctx, "Create", func(ctx context.Context) (*adapterv1.CreateResponse, error) {
		c, err := s.service.Create(ctx, placeOf(r.GetPlace()), sandbox.New{ID: r.GetSandboxId(), Template: r.GetTemplate(),
			Limits: limitsOf(r.GetLimits()), Env: r.GetEnv()})
		return &adapterv1.CreateResponse{Runtime: c.Runtime, Strong: c.Strong}, err
	})
}

// Pause stops a sandbox's processes.
func (s *sandboxServer) Pause(ctx context.Context, r *adapterv1.PauseRequest) (*adapterv1.PauseResponse, error) {
	return answered(ctx, "Pause", func(ctx context.Context) (*adapterv1.PauseResponse, error) {
		cold, err := s.service.Pause(ctx, placeOf(r.GetPlace()), r.GetSandboxId(), r.GetCold())
		return &adapterv1.PauseResponse{Cold: cold}, err
	})
}

// Resume lets a sandbox go on.
func (s *sandboxServer) Resume(ctx context.Context, r *adapterv1.ResumeRequest) (*adapterv1.ResumeResponse, error) {
	return answered(ctx, "Resume", func(ctx context.Context) (*adapterv1.ResumeResponse, error) {
		memory, err := s.service.Resume(ctx, placeOf(r.GetPlace()), r.GetSandboxId())
		out := &adapterv1.ResumeResponse{Preserved: adapterv1.Preserved_PRESERVED_FILESYSTEM}
		if memory {
			out.Preserved = adapterv1.Preserved_PRESERVED_MEMORY
		}
		return out, err
	})
}

// Destroy removes a sandbox.
func (s *sandboxServer) Destroy(ctx context.Context, r *adapterv1.DestroyRequest) (*adapterv1.DestroyResponse, error) {
	return answered(ctx, "Destroy", func(ctx context.Context) (*adapterv1.DestroyResponse, error) {
		return &adapterv1.DestroyResponse{}, s.service.Destroy(ctx, placeOf(r.GetPlace()), r.GetSandboxId())
	})
}

// Update changes a sandbox's limits.
func (s *sandboxServer) Update(ctx context.Context, r *adapterv1.UpdateRequest) (*adapterv1.UpdateResponse, error) {
	return answered(ctx, "Update", func(ctx context.Context) (*adapterv1.UpdateResponse, error) {
		return &adapterv1.UpdateResponse{}, s.service.Update(ctx, placeOf(r.GetPlace()), r.GetSandboxId(), limitsOf(r.GetLimits()))
	})
}

// List answers all sandboxes.
func (s *sandboxServer) List(ctx context.Context, r *adapterv1.ListRequest) (*adapterv1.ListResponse, error) {
	return answered(ctx, "List", func(ctx context.Context) (*adapterv1.ListResponse, error) {
		states, err := s.service.List(ctx, placeOf(r.GetPlace()))
		out := &adapterv1.ListResponse{}
		for _, st := range states {
			out.Sandboxes = append(out.Sandboxes, &adapterv1.SandboxState{SandboxId: st.ID, State: st.State, Runtime: st.Runtime})
		}
		return out, err
	})
}

// Stats answers what a sandbox uses.
func (s *sandboxServer) Stats(ctx context.Context, r *adapterv1.StatsRequest) (*adapterv1.StatsResponse, error) {
	return answered(ctx, "Stats", func(ctx context.Context) (*adapterv1.StatsResponse, error) {
		st, err := s.service.Stats(ctx, placeOf(r.GetPlace()), r.GetSandboxId())
		return &adapterv1.StatsResponse{MemoryBytes: st.MemoryBytes, MemoryLimitBytes: st.MemoryLimitBytes, CpuNanoseconds: st.CPUNanoseconds,
			Processes: st.Processes, StoredBytes: st.StoredBytes, DiskUsedBytes: st.DiskUsedBytes, DiskLimitBytes: st.DiskLimitBytes}, err
	})
}

// Work runs a command or reaches files. It has no time-out of its own: a terminal may be open for days.
func (s *sandboxServer) Work(stream grpc.BidiStreamingServer[adapterv1.WorkRequest, adapterv1.WorkResponse]) (err error) {
	defer func() { err = recovered(recover(), "Work", err) }()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	open := first.GetOpen()
	if open == nil {
		return wireError(Errorf(InvalidInput, "The first message of work must open it."))
	}
	err = s.service.Work(stream.Context(), placeOf(open.GetPlace()), open.GetSandboxId(), openOf(open), workStream{stream})
	if err != nil {
		return wireError(inContext(stream.Context(), err))
	}
	return nil
}

// workStream is the other direction too.
type workStream struct {
	wire grpc.BidiStreamingServer[adapterv1.WorkRequest, adapterv1.WorkResponse]
}

// Receive answers what the host feeds.
func (w workStream) Receive() (sandbox.Feed, error) {
	r, err := w.wire.Recv()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return sandbox.Feed{}, io.EOF
		}
		return sandbox.Feed{}, err
	}
	switch m := r.GetMessage().(type) {
	case *adapterv1.WorkRequest_Data:
		return sandbox.Feed{Data: m.Data}, nil
	case *adapterv1.WorkRequest_End:
		return sandbox.Feed{End: true}, nil
	case *adapterv1.WorkRequest_Resize:
		return sandbox.Feed{Resize: sizeOf(m.Resize)}, nil
	case *adapterv1.WorkRequest_Signal:
		return sandbox.Feed{Signal: m.Signal}, nil
	}
	return sandbox.Feed{}, nil // of a newer host
}

// Send answers the host.
func (w workStream) Send(a sandbox.Answer) error { return w.wire.Send(answerOf(a)) }

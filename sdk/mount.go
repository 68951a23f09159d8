package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"google.golang.org/grpc"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// Mounter makes platforms of documents that operators have. An adapter with one needs no platform of its own.
type Mounter interface {
	// Compile reads a document, which may be hostile. It runs in a process of its own that reaches nothing.
	Compile(ctx context.Context, o MountOrder, document []byte) (Mounted, error)
	// Platform answers how calls of a platform are authorised and explained, from the plan that Compile made. Its ID, BaseURL and Hosts
	// are not looked at: the host says them.
	Platform(plan []byte) (Platform, error)
	// Run runs an operation by the plan that Compile made of it.
	Run(ctx context.Context, call *Call, plan, input []byte) ([]byte, error)
}

// MountOrder is what an operator wants of a document.
type MountOrder struct {
	// Platform is the id that he chose.
	Platform string
	// Name, Description and Category take the place of the document's own where they are not empty.
	Name, Description, Category string
	// Location is the address of the document, or "".
	Location string
	// Auth names the security schemes to connect by, Include the operations; none means all.
	Auth, Include []string
	// HasBaseURL is true where the operator says where the platform is.
	HasBaseURL bool
}

// Mounted is a platform that was made of a document.
type Mounted struct {
	// Platform is without operations and functions.
	Platform Platform
	// Plan is what [Mounter.Platform] needs.
	Plan       []byte
	Operations []MountedOperation
	Findings   []Finding
	// Declared is how many operations the document has among those that were asked for.
	Declared int
	// Format and Version are the document's, for people.
	Format, Version string
}

// MountedOperation is an operation that was made of a document.
type MountedOperation struct {
	Name, Title, Description          string
	Effect                            Effect
	Input, Output                     json.RawMessage
	Scopes                            []string
	AnyScopes                         [][]string
	Streaming, TakesFiles, GivesFiles bool
	// Plan is what [Mounter.Run] needs.
	Plan []byte
}

// Finding is one thing of a document that is not as it should be.
type Finding struct {
	// Place is such as "GET /pets/{id}"; "" for the document.
	Place, Detail string
	// Skipped is true where the operation is not mounted for it.
	Skipped bool
}

// maxDocument bounds a document that is compiled.
const maxDocument = 32 << 20

// mountServer serves an adapter's Mounter over the contract.
type mountServer struct {
	adapterv1.UnimplementedMountServiceServer
	mounter Mounter
}

// NewMountServer answers a Mounter as the service of the contract, for tests that run it without a process.
func NewMountServer(m Mounter) adapterv1.MountServiceServer { return &mountServer{mounter: m} }

// Compile collects the document and sends what was made of it, piece by piece.
func (s *mountServer) Compile(stream grpc.BidiStreamingServer[adapterv1.CompileRequest, adapterv1.CompileResponse]) (err error) {
	defer func() { err = recovered(recover(), "Compile", err) }()
	order, document, err := readDocument(stream)
	if err != nil {
		return wireError(err)
	}
	m, err := s.mounter.Compile(stream.Context(), order, document)
	if err != nil {
		return wireError(err)
	}
	return sendMounted(stream, m)
}

func readDocument(stream grpc.BidiStreamingServer[adapterv1.CompileRequest, adapterv1.CompileResponse]) (MountOrder, []byte, error) {
	var order MountOrder
	var document []byte
	for first := true; ; first = false {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) && !first {
			return order, document, nil
		}
		if err != nil {
			return order, nil, err
		}
		if o := m.GetOrder(); first && o != nil {
			order = MountOrder{Platform: o.GetPlatform(), Name: o.GetName(), Description: o.GetDescription(), Category: o.GetCategory(),
				Location: o.GetLocation(), Auth: o.GetAuth(), Include: o.GetInclude(), HasBaseURL: o.GetHasBaseUrl()}
			continue
		}
		if first {
			return order, nil, Errorf(AdapterBug, "The first message must be the order.")
		}
		if len(document)+len(m.GetDocument()) > maxDocument {
			return order, nil, Invalid("/document", "it is larger than %d MiB", maxDocument>>20)
		}
		document = append(document, m.GetDocument()...)
	}
}

func sendMounted(stream grpc.BidiStreamingServer[adapterv1.CompileRequest, adapterv1.CompileResponse], m Mounted) error {
	platform, err := wirePlatform(m.Platform)
	if err != nil {
		return wireError(err)
	}
	platform.Plan = m.Plan
	head := &adapterv1.CompileHead{Platform: platform, DocumentVersion: validText(m.Version), Format: m.Format, Declared: uint32(m.Declared)}
	if err := stream.Send(&adapterv1.CompileResponse{Message: &adapterv1.CompileResponse_Head{Head: head}}); err != nil {
		return err
	}
	for _, op := range m.Operations {
		if err := stream.Send(&adapterv1.CompileResponse{Message: &adapterv1.CompileResponse_Operation{Operation: wireMounted(op)}}); err != nil {
			return err
		}
	}
	for _, f := range m.Findings {
		finding := &adapterv1.Finding{Place: shortText(f.Place), Detail: shortText(f.Detail), Skipped: f.Skipped}
		if err := stream.Send(&adapterv1.CompileResponse{Message: &adapterv1.CompileResponse_Finding{Finding: finding}}); err != nil {
			return err
		}
	}
	return nil
}

func wireMounted(op MountedOperation) *adapterv1.Operation {
	return &adapterv1.Operation{Name: op.Name, Title: validText(orString(op.Title, titleOf(op.Name))), Description: validText(op.Description),
		Effect: adapterv1.Effect(op.Effect), InputSchema: op.Input, OutputSchema: op.Output, Scopes: validTexts(op.Scopes), AnyScopes: scopeSets(op.AnyScopes),
		Streaming: op.Streaming, TakesFiles: op.TakesFiles, GivesFiles: op.GivesFiles, Plan: op.Plan}
}

// mounted answers the platform of a call that goes to a mounted one, or nil.
func (s *server) mounted(c *adapterv1.CallContext) (*Platform, error) {
	if c.GetMount() == nil || s.adapter.Mounts == nil {
		return nil, nil
	}
	p, err := s.adapter.Mounts.Platform(c.GetMount().GetPlan())
	if err != nil {
		return nil, err
	}
	p.ID, p.BaseURL, p.Hosts = c.GetPlatform(), c.GetMount().GetBaseUrl(), c.GetMount().GetHosts()
	return &p, nil
}

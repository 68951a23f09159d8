package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/patchbay/patchbay/host/internal/catalog"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// Bounds of what is made of one document.
const (
	maxCompiled = 64 << 20 // the platform, encoded
	maxFindings = 10000
	maxPlan     = 256 << 10
)

// Compile lets an adapter make a platform of a document. The document is foreign, so it is read in a process of its own: confined,
// without a credential, a call or a way out, ended afterwards. Failures of the document are *catalog.Failure.
func (s *Supervisor) Compile(ctx context.Context, adapter string, o catalog.Order) (catalog.Compiled, error) {
	a, err := s.find(adapter)
	if err != nil {
		return catalog.Compiled{}, err
	}
	w := a.way.Load()
	if w.stable == nil {
		return catalog.Compiled{}, unavailable("The adapter %s is disabled by the operator of this host.", adapter)
	}
	path, err := s.binary(ctx, w.stable.release)
	if err != nil {
		return catalog.Compiled{}, err
	}
	p, err := s.launch(ctx, launchSpec{name: adapter, path: path, digest: w.stable.release.Digest})
	if err != nil {
		return catalog.Compiled{}, unavailable("The adapter %s does not start: %s.", adapter, asFault(err).reason)
	}
	defer p.stop()
	compiled, err := p.compile(ctx, o)
	if p.ended() {
		return catalog.Compiled{}, &catalog.Failure{Kind: catalog.InvalidInput,
			Message: fmt.Sprintf("The adapter %s ended while it read the document (%s).", adapter, p.runner.ending())}
	}
	if status.Code(err) == codes.Unimplemented {
		return catalog.Compiled{}, &catalog.Failure{Kind: catalog.InvalidInput, Message: fmt.Sprintf("The adapter %s makes no platforms of documents.", adapter)}
	}
	var failed *catalog.Failure
	if err != nil && !errors.As(err, &failed) {
		err = failureOf(ctx, err)
	}
	return compiled, err
}

// compile sends the document and takes what is made of it.
func (p *process) compile(ctx context.Context, o catalog.Order) (catalog.Compiled, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.mounts.Compile(ctx)
	if err != nil {
		return catalog.Compiled{}, err
	}
	sent := make(chan error, 1)
	go func() { sent <- sendDocument(stream, o) }()
	out, err := receiveCompiled(stream, o.Platform)
	cancel()
	if sendErr := <-sent; err == nil && sendErr != nil {
		err = sendErr
	}
	return out, err
}

type compileStream = grpc.BidiStreamingClient[adapterv1.CompileRequest, adapterv1.CompileResponse]

func sendDocument(stream compileStream, o catalog.Order) error {
	order := &adapterv1.CompileOrder{Platform: o.Platform, Name: o.Name, Description: o.Description, Category: o.Category,
		Location: o.Location, Auth: o.Auth, Include: o.Include, HasBaseUrl: o.HasBaseURL}
	if err := stream.Send(&adapterv1.CompileRequest{Message: &adapterv1.CompileRequest_Order{Order: order}}); err != nil {
		return err
	}
	for rest := o.Document; len(rest) > 0; {
		chunk := rest[:min(len(rest), adapterv1.MaxChunkBytes)]
		rest = rest[len(chunk):]
		if err := stream.Send(&adapterv1.CompileRequest{Message: &adapterv1.CompileRequest_Document{Document: chunk}}); err != nil {
			return err
		}
	}
	return stream.CloseSend()
}

func receiveCompiled(stream compileStream, id string) (catalog.Compiled, error) {
	var out catalog.Compiled
	var platform *adapterv1.Platform
	size := 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return out, err
		}
		if size += proto.Size(m); size > maxCompiled {
			return out, &catalog.Failure{Kind: catalog.InvalidInput, Message: fmt.Sprintf("What the document makes is larger than %d MiB: mount fewer operations of it with --include.", maxCompiled>>20)}
		}
		head, finding := m.GetHead(), m.GetFinding()
		switch {
		case head != nil && platform == nil:
			platform = head.GetPlatform()
			out.Format, out.Version, out.Declared = clean(head.GetFormat(), 50), clean(head.GetDocumentVersion(), 100), int(head.GetDeclared())
		case finding != nil && len(out.Findings) < maxFindings:
			out.Findings = append(out.Findings, catalog.Finding{Place: clean(finding.GetPlace(), 300), Detail: clean(finding.GetDetail(), 500), Skipped: finding.GetSkipped()})
		case m.GetOperation() != nil && platform != nil:
			platform.Operations = append(platform.Operations, m.GetOperation())
		}
	}
	if platform == nil {
		return out, adapterBug("The adapter made nothing of the document.")
	}
	platform.Id = id
	return finishCompiled(out, platform)
}

// finishCompiled checks a platform as one that an adapter declares; an operation that is not valid is left out, and said.
func finishCompiled(out catalog.Compiled, platform *adapterv1.Platform) (catalog.Compiled, error) {
	kept := platform.Operations[:0:0]
	for _, op := range platform.GetOperations() {
		operation, err := operationOf(platform.GetId(), op)
		if err == nil && len(op.GetPlan()) > maxPlan {
			err = fmt.Errorf("its plan is larger than %d KiB", maxPlan>>10)
		}
		if err == nil {
			err = operation.CheckSchema()
		}
		if err != nil {
			out.Findings = append(out.Findings, catalog.Finding{Place: clean(op.GetName(), 128), Detail: clean(err.Error(), 500), Skipped: true})
			continue
		}
		kept = append(kept, op)
	}
	platform.Operations = kept
	encoded, err := proto.Marshal(platform)
	if err != nil {
		return out, adapterBug("The adapter made a platform that cannot be kept.")
	}
	out.Encoded = encoded
	out.Platform, err = platformOf(platform)
	if err != nil {
		return out, &catalog.Failure{Kind: catalog.InvalidInput, Message: "The document cannot be mounted: " + clean(err.Error(), 500) + "."}
	}
	return out, nil
}

// Decode answers the platform that Compile encoded.
func (s *Supervisor) Decode(encoded []byte) (*catalog.Platform, error) {
	p := &adapterv1.Platform{}
	if err := proto.Unmarshal(encoded, p); err != nil {
		return nil, fmt.Errorf("decoding a mounted platform: %w", err)
	}
	return platformOf(p)
}

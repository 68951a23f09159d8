package supervisor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/release"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// maxTries bounds how many processes in turn a call is offered to that end before it has begun.
const maxTries = 3

// Run runs one attempt of an operation. Failures are *catalog.Failure.
func (s *Supervisor) Run(ctx context.Context, r catalog.Request, to catalog.Sink) (catalog.Response, error) {
	var out catalog.Response
	err := s.with(ctx, r, func(ctx context.Context, p *process, c *adapterv1.CallContext) error {
		request := &adapterv1.ExecuteRequest{Call: c, Operation: r.Operation.Name, Input: r.Input, Plan: r.Operation.Plan}
		var answer *adapterv1.ExecuteResponse
		var err error
		if r.Stream || len(r.Files) > 0 || r.Operation.GivesFiles {
			answer, err = p.stream(ctx, request, r.Files, to)
		} else {
			answer, err = p.service.Execute(ctx, request)
		}
		if err != nil {
			return err
		}
		out = catalog.Response{Output: answer.GetOutput(), Units: unitsOf(answer.GetUsage())}
		return sendFiles(ctx, answer.GetFiles(), to)
	})
	return out, err
}

// Verify tests a credential. Failures are *catalog.Failure.
func (s *Supervisor) Verify(ctx context.Context, r catalog.Request) (catalog.Account, error) {
	var account catalog.Account
	err := s.with(ctx, r, func(ctx context.Context, p *process, c *adapterv1.CallContext) error {
		answer, err := p.service.Verify(ctx, &adapterv1.VerifyRequest{Call: c})
		if err == nil {
			account = accountOf(answer)
		}
		return err
	})
	return account, err
}

// with gives f a process of the platform's adapter, and lets it dial for this call while f runs. f runs again, with another process,
// where the first one ended before anything was sent.
func (s *Supervisor) with(ctx context.Context, r catalog.Request, f func(context.Context, *process, *adapterv1.CallContext) error) error {
	a, err := s.find(r.Platform.Adapter)
	if err != nil {
		return err
	}
	secrets := secretsOf(r)
	for try := 1; ; try++ {
		again, err := a.run(ctx, r, secrets, f)
		var failed *catalog.Failure
		if !errors.As(err, &failed) {
			return err // none, or one of the host itself
		}
		if !again || try == maxTries {
			return withoutSecrets(failed, secrets)
		}
	}
}

// run calls f with a process, and says whether it may do so with another one: this one is of no use any more, and was sent nothing.
func (a *adapter) run(ctx context.Context, r catalog.Request, secrets []string, f func(context.Context, *process, *adapterv1.CallContext) error) (again bool, err error) {
	if err := a.enter(ctx); err != nil {
		return false, err
	}
	defer a.leave()
	p, err := a.acquire(ctx, r)
	if err != nil {
		return false, err
	}
	defer p.life.give(p)
	defer func() { p.life.note(err) }()
	c := callContext(r)
	c.DialId = egress.NewDialID()
	if err := p.session.Admit(egress.Call{DialID: c.GetDialId(), CallID: r.CallID, Platform: r.Platform.ID, Rules: p.life.rulesOf(r)}); err != nil {
		p.life.end(p, "it closed its way out and was ended")
		return true, unavailable("The adapter %s keeps stopping.", a.name)
	}
	defer p.letGo(ctx, c.GetDialId())
	p.runner.logs.hide(secrets)
	watched, sent := watchSent(ctx)
	if err = f(watched, p, c); err == nil {
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
	if failed.Kind == catalog.AdapterUnavailable || failed.Kind == catalog.Timeout {
		p.life.suspect(p)
	}
	return false, failed
}

// cancelGrace is how long a call that was cancelled keeps its connections, so that the adapter can end what it began elsewhere.
const cancelGrace = 4 * time.Second

// letGo ends what a call may dial and, for an integration's own host, its connections.
func (p *process) letGo(ctx context.Context, dialID string) {
	if ctx.Err() == nil {
		p.session.Release(dialID)
		return
	}
	time.AfterFunc(cancelGrace, func() { p.session.Release(dialID) }) // harmless after the session's end
}

// rulesOf says what a call may reach.
func (g *generation) rulesOf(r catalog.Request) egress.Rules {
	rules := egress.Rules{Hosts: r.Platform.Hosts, AllowPrivate: r.Settings.AllowPrivateNetwork, AllowedCIDRs: r.Settings.AllowedCIDRs,
		Any: g.release.Grants.Has(release.GrantEgress)}
	if host := hostOf(r.Platform.BaseURL); host != "" {
		rules.Hosts = append(append([]string{}, rules.Hosts...), host)
	}
	rules.BaseURLHost = hostOf(r.Settings.BaseURL)
	m := r.Platform.AuthMethod(r.Credential.Method)
	if m == nil || m.HostField == "" {
		return rules
	}
	fields := r.Credential.Reveal()
	if host := fields[m.HostField]; host != "" {
		port := fields[m.PortField]
		if port == "" {
			port = strconv.Itoa(int(m.DefaultPort))
		}
		rules.IntegrationHosts = []string{net.JoinHostPort(host, port)}
	}
	return rules
}

// hostOf answers the host:port of a URL, or "".
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80"}[u.Scheme]
	}
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// stream runs an operation by ExecuteStream: files go out while progress, deltas and files come in.
func (p *process) stream(ctx context.Context, request *adapterv1.ExecuteRequest, files []catalog.InFile, to catalog.Sink) (*adapterv1.ExecuteResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := p.service.ExecuteStream(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	sent := make(chan error, 1)
	go func() {
		err := sendAll(stream, request, files)
		if err != nil && !errors.Is(err, io.EOF) {
			cancel() // the adapter would wait for the rest
		}
		sent <- err
	}()
	answer, err := receive(ctx, stream, to)
	cancel()
	if sendErr := <-sent; err != nil && sendErr != nil && !errors.Is(sendErr, io.EOF) {
		var f *catalog.Failure
		if errors.As(sendErr, &f) {
			return nil, f // reading a file failed: that is why the stream ended
		}
	}
	return answer, err
}

// receive hands on what comes until the result.
func receive(ctx context.Context, stream grpc.BidiStreamingClient[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse], to catalog.Sink) (*adapterv1.ExecuteResponse, error) {
	in := inbox{to: to}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, &catalog.Failure{Kind: catalog.AdapterBug, Message: "The adapter ended without a result."}
		}
		if err != nil {
			return nil, err
		}
		if result := m.GetResult(); result != nil {
			return result, nil
		}
		if err := in.take(ctx, m); err != nil {
			return nil, err
		}
	}
}

// sendAll sends the start and the files, one after the other.
func sendAll(stream grpc.BidiStreamingClient[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse], request *adapterv1.ExecuteRequest, files []catalog.InFile) error {
	if err := stream.Send(&adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_Start{Start: request}}); err != nil {
		return err
	}
	for i, f := range files {
		if err := sendFile(stream, uint32(i), f); err != nil {
			return err
		}
	}
	return stream.CloseSend()
}

func sendFile(stream grpc.BidiStreamingClient[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse], index uint32, f catalog.InFile) error {
	chunk := &adapterv1.FileChunk{Index: index, Name: f.Name, MediaType: f.MediaType}
	for {
		buffer := make([]byte, adapterv1.MaxChunkBytes)
		n, err := io.ReadFull(f.Content, buffer)
		chunk.Last = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !chunk.Last {
			return &catalog.Failure{Kind: catalog.InvalidInput, Message: "A file of the request could not be read to its end."}
		}
		chunk.Data = buffer[:n]
		if err := stream.Send(&adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_File{File: chunk}}); err != nil {
			return err
		}
		if chunk.Last {
			return nil
		}
		chunk = &adapterv1.FileChunk{Index: index}
	}
}

// sendFiles hands on the small files that came with an answer. Their indexes do not meet those of a stream.
func sendFiles(ctx context.Context, files []*adapterv1.File, to catalog.Sink) error {
	if len(files) > maxFiles {
		return adapterBug("The adapter gave more than %d files.", maxFiles)
	}
	for i, f := range files {
		if err := to.File(ctx, inlineIndex+uint32(i), clean(f.GetName(), maxName), clean(f.GetMediaType(), maxName), f.GetData(), true); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

func TestUploadAndDownload(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"empty": {}, "binary ünï 'x'": {0, 0xff, '\n', '\r', 0x1a}, "chunks": random(3*adapterv1.MaxChunkBytes + 17),
	} {
		path := dir + "/sub/" + name
		sum := sha256.Sum256(content)
		for _, stream := range []bool{false, true} {
			up := request("upload", object{"path": path, "mode": "0600", "create_dirs": true}, s.fields)
			up.Files, up.Stream = []*adapterv1.File{{Name: "local.bin", Data: content}}, stream
			result, err := s.harness.Execute(t.Context(), up)
			if err != nil {
				t.Fatal(err)
			}
			if out := decode[Uploaded](t, result.Output); out.Size != int64(len(content)) || out.SHA256 != hex.EncodeToString(sum[:]) || out.Created == stream {
				t.Errorf("%s: got %+v", name, out)
			}
			if !bytes.Equal(readLocal(t, path), content) || modeOf(t, path) != 0o600 {
				t.Errorf("%s: the server's file differs, mode %o", name, modeOf(t, path))
			}
			down := request("download", object{"path": path}, s.fields)
			down.Stream = stream
			result, err = s.harness.Execute(t.Context(), down)
			if err != nil {
				t.Fatal(err)
			}
			if out := decode[Downloaded](t, result.Output); out.Name != name || out.Size != int64(len(content)) || out.SHA256 != hex.EncodeToString(sum[:]) {
				t.Errorf("%s: got %+v", name, out)
			}
			if len(result.Files) != 1 || result.Files[0].GetName() != name || !bytes.Equal(result.Files[0].GetData(), content) {
				t.Errorf("%s: the file that came differs", name)
			}
		}
	}
	fails(t, s, sdk.InvalidInput, "upload", object{"path": dir + "/x"}) // without a file
	for path, kind := range map[string]sdk.Kind{"/missing": sdk.NotFound, "": sdk.Conflict} {
		fails(t, s, kind, "download", object{"path": dir + path})
	}
	fails(t, s, sdk.Conflict, "download", object{"path": "/dev/zero"})
}

// An upload that breaks off leaves the old file, and nothing beside it.
func TestBrokenUploadChangesNothing(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	path := writeLocal(t, []byte("old"), dir, "file")
	stream := openStream(t, s, "upload", `{"path":"`+path+`"}`)
	chunk := &adapterv1.FileChunk{Name: "x", Data: random(adapterv1.MaxChunkBytes)}
	for range 8 {
		sendChunk(t, stream, chunk)
		chunk = &adapterv1.FileChunk{Data: chunk.Data}
	}
	if err := stream.CloseSend(); err != nil { // without a last chunk
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("the broken upload ended with %v", err)
	}
	if left := names(t, dir); string(readLocal(t, path)) != "old" || len(left) != 1 {
		t.Errorf("the file holds %d bytes, the directory %q", len(readLocal(t, path)), left)
	}
}

// 30 MB go through in either direction while little memory is held: what is alive is counted again and again on the way.
func TestLargeFilesAreStreamed(t *testing.T) {
	s := newServer(t)
	path := t.TempDir() + "/large"
	const chunks, bound = 120, 12 << 20 // 120 of 256 KiB are 30 MiB
	content := random(adapterv1.MaxChunkBytes)
	want := sha256.New()
	before := live()

	stream := openStream(t, s, "upload", `{"path":"`+path+`"}`)
	for i := range chunks {
		sendChunk(t, stream, &adapterv1.FileChunk{Name: "large", Data: content, Last: i == chunks-1})
		_, _ = want.Write(content) // a hash never fails
		if i%20 == 19 {
			bounded(t, "uploading", before, bound)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	m, err := stream.Recv()
	if err != nil || m.GetResult() == nil {
		t.Fatalf("uploading: %v", err)
	}

	got := receiveFile(t, openStream(t, s, "download", `{"path":"`+path+`"}`), func(i int) {
		if i%20 == 19 {
			bounded(t, "downloading", before, bound)
		}
	})
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Error("what came back is not what was sent")
	}
	if info, err := os.Stat(path); err != nil || info.Size() != chunks*adapterv1.MaxChunkBytes {
		t.Errorf("the server's file: %v, %v", info, err)
	}
}

func receiveFile(t *testing.T, stream adapterStream, each func(int)) hash.Hash {
	t.Helper()
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for i := 0; ; i++ {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetResult() != nil {
			return sum
		}
		_, _ = sum.Write(m.GetFile().GetData())
		each(i)
	}
}

type adapterStream = grpc.BidiStreamingClient[adapterv1.ExecuteStreamRequest, adapterv1.ExecuteStreamResponse]

// openStream begins a call on the bare contract, since the harness gathers files in memory.
func openStream(t *testing.T, s *server, operation, input string) adapterStream {
	t.Helper()
	service, err := sdk.NewServer(adapter())
	if err != nil {
		t.Fatal(err)
	}
	listener := bufconn.Listen(1 << 16)
	host := grpc.NewServer(grpc.MaxRecvMsgSize(adapterv1.MaxMessageBytes))
	adapterv1.RegisterAdapterServiceServer(host, service)
	done := make(chan error, 1)
	go func() { done <- host.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///adapter", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		host.Stop()
		<-done
	})
	stream, err := adapterv1.NewAdapterServiceClient(conn).ExecuteStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start := &adapterv1.ExecuteRequest{Operation: operation, Input: []byte(input), Call: &adapterv1.CallContext{
		CallId: "call_test", Platform: "remote-server", Credential: &adapterv1.Credential{AuthMethod: sdk.MethodCustom, Fields: s.fields}}}
	if err := stream.Send(&adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_Start{Start: start}}); err != nil {
		t.Fatal(err)
	}
	return stream
}

func sendChunk(t *testing.T, stream adapterStream, chunk *adapterv1.FileChunk) {
	t.Helper()
	if err := stream.Send(&adapterv1.ExecuteStreamRequest{Message: &adapterv1.ExecuteStreamRequest_File{File: chunk}}); err != nil {
		t.Fatal(err)
	}
}

// bounded fails where much more memory is alive than before.
func bounded(t *testing.T, what string, before, bound uint64) {
	t.Helper()
	if now := live(); now > before+bound {
		t.Errorf("%s holds %d MiB", what, (now-before)>>20)
	}
}

// live answers the bytes that are still referred to.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

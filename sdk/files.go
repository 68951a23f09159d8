package sdk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// inline hands over files that came whole.
type inline struct{ left []*adapterv1.File }

func inlineFiles(files []*adapterv1.File) fileSource { return &inline{left: files} }

func (f *inline) next(context.Context) (*File, error) {
	if len(f.left) == 0 {
		return nil, io.EOF
	}
	file := f.left[0]
	f.left = f.left[1:]
	return &File{Name: file.GetName(), MediaType: file.GetMediaType(), Reader: bytes.NewReader(file.GetData())}, nil
}

// unarySink keeps files for the one answer. There is nobody to tell of progress or deltas.
type unarySink struct {
	mu    sync.Mutex
	files []*adapterv1.File
	size  int
}

// take answers the files that were attached until now.
func (s *unarySink) take() []*adapterv1.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.files)
}

func (*unarySink) progress(string, float64) error { return nil }
func (*unarySink) emit([]byte) error              { return nil }

func (s *unarySink) attach(name, mediaType string, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, adapterv1.MaxInlineFileBytes+1))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size += len(data); s.size > adapterv1.MaxInlineFileBytes {
		return Errorf(AdapterBug, "A file is too large for this operation: it must declare GivesFiles.")
	}
	s.files = append(s.files, &adapterv1.File{Name: validText(name), MediaType: validText(mediaType), Data: data})
	return nil
}

// streamSink sends as things come. A gRPC stream takes one sender at a time.
type streamSink struct {
	mu    sync.Mutex
	send  func(*adapterv1.ExecuteStreamResponse) error
	files uint32
	ended bool
}

// end refuses everything from now on.
func (s *streamSink) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

func (s *streamSink) progress(message string, fraction float64) error {
	return s.put(&adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_Progress{
		Progress: &adapterv1.Progress{Message: validText(message), Fraction: fraction}}})
}

func (s *streamSink) emit(delta []byte) error {
	return s.put(&adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_Delta{Delta: delta}})
}

func (s *streamSink) put(m *adapterv1.ExecuteStreamResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return Errorf(AdapterBug, "The call has ended.")
	}
	return s.send(m)
}

func (s *streamSink) attach(name, mediaType string, r io.Reader) error {
	s.mu.Lock()
	index := s.files
	s.files++
	s.mu.Unlock()
	chunk := &adapterv1.FileChunk{Index: index, Name: validText(name), MediaType: validText(mediaType)}
	for {
		buffer := make([]byte, adapterv1.MaxChunkBytes) // the stream may still hold the one before
		n, err := io.ReadFull(r, buffer)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		chunk.Data, chunk.Last = buffer[:n], last
		if err := s.put(&adapterv1.ExecuteStreamResponse{Message: &adapterv1.ExecuteStreamResponse_File{File: chunk}}); err != nil {
			return err
		}
		if last {
			return nil
		}
		chunk = &adapterv1.FileChunk{Index: index}
	}
}

// streamFiles reads files off a stream, one after the other.
type streamFiles struct {
	recv    func() (*adapterv1.ExecuteStreamRequest, error)
	current *chunkReader
}

func newStreamFiles(recv func() (*adapterv1.ExecuteStreamRequest, error)) fileSource {
	return &streamFiles{recv: recv}
}

func (f *streamFiles) next(context.Context) (*File, error) {
	if f.current != nil {
		if _, err := io.Copy(io.Discard, f.current); err != nil {
			return nil, err
		}
	}
	m, err := f.recv()
	if err != nil {
		return nil, err // io.EOF after the last
	}
	chunk := m.GetFile()
	if chunk == nil {
		return nil, Errorf(AdapterBug, "The stream holds a message that is no file.")
	}
	f.current = &chunkReader{recv: f.recv, rest: chunk.GetData(), last: chunk.GetLast(), index: chunk.GetIndex()}
	return &File{Name: chunk.GetName(), MediaType: chunk.GetMediaType(), Reader: f.current}, nil
}

// chunkReader reads one file's chunks.
type chunkReader struct {
	recv  func() (*adapterv1.ExecuteStreamRequest, error)
	rest  []byte
	last  bool
	index uint32
}

func (r *chunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.last {
			return 0, io.EOF
		}
		m, err := r.recv()
		if errors.Is(err, io.EOF) {
			return 0, io.ErrUnexpectedEOF // the stream ended before the file
		}
		if err != nil {
			return 0, err
		}
		if m.GetFile() == nil || m.GetFile().GetIndex() != r.index {
			return 0, Errorf(AdapterBug, "The stream mixes its files.")
		}
		r.rest, r.last = m.GetFile().GetData(), m.GetFile().GetLast()
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

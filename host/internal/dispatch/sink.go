package dispatch

import (
	"context"
	"errors"
	"io"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/file"
)

// callSink hands on what an attempt gives, and puts its files into the cabinet.
type callSink struct {
	run     *run
	emitted bool
	writers map[uint32]*file.Writer
	order   []uint32
}

// Progress tells the caller how far the work has come.
func (s *callSink) Progress(_ context.Context, message string, fraction float64) error {
	if s.run.call.Sink == nil {
		return nil
	}
	return s.run.call.Sink.Progress(message, fraction)
}

// Delta gives the caller a piece of the output.
func (s *callSink) Delta(_ context.Context, delta []byte) error {
	if s.run.call.Sink == nil {
		return nil
	}
	s.emitted = true
	s.run.bytesOut += int64(len(delta))
	return s.run.call.Sink.Delta(delta)
}

// File stores a chunk of a file.
func (s *callSink) File(ctx context.Context, index uint32, name, mediaType string, data []byte, last bool) error {
	w := s.writers[index]
	if w == nil {
		var err error
		if w, err = s.run.d.cfg.Files.Create(ctx, s.run.call.User, s.run.id, name, mediaType); err != nil {
			return err
		}
		if s.writers == nil {
			s.writers = map[uint32]*file.Writer{}
		}
		s.writers[index] = w
		s.order = append(s.order, index)
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	s.run.bytesOut += int64(len(data))
	if last {
		return w.Close()
	}
	return nil
}

// files answers the files that came, in the order in which they began. One that did not end is the adapter's bug.
func (s *callSink) files(context.Context) ([]file.File, error) {
	var out []file.File
	for _, index := range s.order {
		f, complete := s.writers[index].File()
		if !complete {
			return nil, &catalog.Failure{Kind: catalog.AdapterBug, Message: "The adapter did not finish a file."}
		}
		out = append(out, f)
	}
	return out, nil
}

// discard removes the files of an attempt that failed.
func (s *callSink) discard(ctx context.Context) {
	for _, w := range s.writers {
		w.Discard(context.WithoutCancel(ctx))
	}
}

// rewindable says whether the files can be sent again.
func rewindable(files []catalog.InFile) bool {
	for _, f := range files {
		if _, ok := f.Content.(io.Seeker); !ok {
			return false
		}
	}
	return true
}

// rewind goes back to the start of the files before another attempt.
func rewind(files []catalog.InFile, attempts int) error {
	if attempts == 0 {
		return nil
	}
	for _, f := range files {
		seeker, ok := f.Content.(io.Seeker)
		if !ok {
			return errors.New("a file cannot be sent again")
		}
		if _, err := seeker.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	return nil
}

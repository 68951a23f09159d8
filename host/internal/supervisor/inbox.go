package supervisor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/patchbay/patchbay/host/internal/catalog"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

const (
	// maxFiles bounds the files of one answer, and maxName their names.
	maxFiles = 1000
	maxName  = 300
	// inlineIndex is the first index of files that come with a result, above those of its stream.
	inlineIndex = 1 << 31
)

// inbox checks what an adapter sends before its result, and hands it on.
type inbox struct {
	to    catalog.Sink
	files map[uint32]bool // by index: whether the file has ended
}

// take hands one message on. What breaks the contract is a failure of kind adapter_bug.
func (in *inbox) take(ctx context.Context, m *adapterv1.ExecuteStreamResponse) error {
	switch x := m.GetMessage().(type) {
	case *adapterv1.ExecuteStreamResponse_Progress:
		return in.to.Progress(ctx, clean(x.Progress.GetMessage(), maxMessage), fraction(x.Progress.GetFraction()))
	case *adapterv1.ExecuteStreamResponse_Delta:
		if !json.Valid(x.Delta) {
			return adapterBug("A piece of the adapter's output is not JSON.")
		}
		return in.to.Delta(ctx, x.Delta)
	case *adapterv1.ExecuteStreamResponse_File:
		return in.file(ctx, x.File)
	}
	return nil // of a later minor version
}

func (in *inbox) file(ctx context.Context, c *adapterv1.FileChunk) error {
	ended, known := in.files[c.GetIndex()]
	switch {
	case ended || c.GetIndex() >= inlineIndex:
		return adapterBug("The adapter went on with a file that had ended.")
	case len(c.GetData()) > adapterv1.MaxChunkBytes:
		return adapterBug("The adapter sent a piece of a file that is larger than %d KiB.", adapterv1.MaxChunkBytes>>10)
	case !known && len(in.files) >= maxFiles:
		return adapterBug("The adapter gave more than %d files.", maxFiles)
	}
	if in.files == nil {
		in.files = map[uint32]bool{}
	}
	in.files[c.GetIndex()] = c.GetLast()
	return in.to.File(ctx, c.GetIndex(), clean(c.GetName(), maxName), clean(c.GetMediaType(), maxName), c.GetData(), c.GetLast())
}

// fraction keeps a number from 0 to 1, and makes any other one "unknown".
func fraction(f float64) float64 {
	if f >= 0 && f <= 1 {
		return f
	}
	return -1
}

func adapterBug(format string, args ...any) *catalog.Failure {
	return &catalog.Failure{Kind: catalog.AdapterBug, Message: fmt.Sprintf(format, args...)}
}

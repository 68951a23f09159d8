package host

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// rest is how often the host looks whether it rests.
	rest = 2 * time.Second
	// quiet is how many bytes a host that rests allocates between two looks, at most: its heartbeat and its sweeps.
	quiet = 4 << 20
	// worthGiving is how many bytes must have come since the last time for giving back to be worth its collection.
	worthGiving = 16 << 20
)

// giveBack returns memory to the system when the host rests and holds much that it does not use, such as after its start, whose
// manifests and binaries are a multiple of what serving needs, and after a wave of calls.
func giveBack(ctx context.Context) {
	var r resting
	tick := time.NewTicker(rest)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if allocated, held := heap(); r.worth(allocated, held) {
			debug.FreeOSMemory()
			_, r.kept = heap()
		}
	}
}

// resting decides when giving back is worth it.
type resting struct {
	allocated uint64 // since the process began, at the last look
	kept      uint64 // bytes that were held after the last time
}

// worth takes how many bytes were allocated since the process began, and how many of the heap the process holds now.
func (r *resting) worth(allocated, held uint64) bool {
	since := allocated - r.allocated
	r.allocated = allocated
	return since < quiet && held > r.kept+worthGiving
}

// heap answers how many bytes were allocated since the process began, and how many the heap has of the system's memory.
func heap() (allocated, held uint64) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	for _, s := range samples[1:] {
		held += s.Value.Uint64()
	}
	return samples[0].Value.Uint64(), held
}

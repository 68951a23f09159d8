package supervisor

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// sentKey is where a call's context holds the *atomic.Bool that says whether anything of it went out.
type sentKey struct{}

// watchSent answers a context for calls to an adapter, and whether anything of them was handed to the connection so far. Until then a
// call certainly did not run.
func watchSent(ctx context.Context) (context.Context, *atomic.Bool) {
	sent := &atomic.Bool{}
	return context.WithValue(ctx, sentKey{}, sent), sent
}

// sentWatcher is told by gRPC what goes out.
type sentWatcher struct{}

// TagRPC keeps the context.
func (sentWatcher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC books the first thing that goes out.
func (sentWatcher) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s.(type) {
	case *stats.OutHeader, *stats.OutPayload:
		if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
			sent.Store(true)
		}
	}
}

// TagConn keeps the context.
func (sentWatcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn has nothing to do.
func (sentWatcher) HandleConn(context.Context, stats.ConnStats) {}

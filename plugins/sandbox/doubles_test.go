package main

import (
	"context"
	"errors"

	"github.com/patchbay/patchbay/sdk"
)

func asError(err error, target **sdk.Error) bool { return errors.As(err, target) }

// absent is a runtime that the machine lacks.
type absent struct {
	Runtime
	why string
}

// Probe says so.
func (a absent) Probe(context.Context, string) (string, error) { return "", errors.New(a.why) }

// failingDelete fails so many times, as runtimes do under load.
type failingDelete struct {
	Runtime
	left int
}

// Delete fails, or works.
func (f *failingDelete) Delete(ctx context.Context, p place) error {
	if f.left > 0 {
		f.left--
		return errors.New("the runtime is too busy")
	}
	return f.Runtime.Delete(ctx, p)
}

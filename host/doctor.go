package host

import (
	"context"
	"fmt"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor"
)

// Report is what Doctor found: what the kernel offers, and each attempt with its outcome and what stopped it.
type Report = doctor.Report

// Probe is one attempt of a Report.
type Probe = doctor.Probe

// Doctor runs a hostile program on this machine, confined as adapters are, and reports how far it got. It needs no host and no data
// folder. The calling program must begin with Shim and be linked statically; its memory is protected from then on as a host's is. It
// fails where nothing could be tried; an attempt with another outcome than expected is no failure (see Report.Unexpected).
func Doctor(ctx context.Context) (Report, error) {
	if err := confine.ProtectHost(); err != nil {
		return Report{}, fmt.Errorf("starting the doctor: %w", err)
	}
	return doctor.Run(ctx, doctor.Config{})
}

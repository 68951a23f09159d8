package main

import (
	"context"
	"os/exec"
)

// Runtime drives one program that runs OCI bundles. A driver for small virtual machines would be another one: Start boots a guest with the
// agent as its first process and p's rootfs as its disk, Client reaches the agent by a socket of the machine monitor, Freeze stops the
// guest's processors, Park writes its memory to the folder and Restore boots from it. It must not be offered before a 64-bit guest kernel was
// seen to run: that /dev/kvm exists does not say so.
type Runtime interface {
	// Name is the program's.
	Name() string
	// Probe answers its version, or why it cannot be used here.
	Probe(ctx context.Context, folder string) (version string, err error)
	// Strong says whether it isolates by more than the kernel's namespaces; Cold whether it can park.
	Strong() bool
	Cold() bool
	// Start runs the bundle in the sandbox's folder.
	Start(ctx context.Context, p place) error
	// Client prepares a command that speaks to the agent inside by its standard streams. The end of ctx ends it, and nothing that it asked for.
	Client(ctx context.Context, p place) (*exec.Cmd, error)
	// Status answers running, paused, stopped (also where the runtime knows nothing of it) or unknown.
	Status(ctx context.Context, p place) string
	// Freeze stops all processes, Thaw lets them go on.
	Freeze(ctx context.Context, p place) error
	Thaw(ctx context.Context, p place) error
	// Park writes its memory to a folder that does not exist yet; Restore starts it from there.
	Park(ctx context.Context, p place, image string) error
	Restore(ctx context.Context, p place, image string) error
	// Delete ends everything of it. It fails unless nothing is left.
	Delete(ctx context.Context, p place) error
}

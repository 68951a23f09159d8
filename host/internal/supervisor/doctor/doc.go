// Package doctor shows on this very machine what the confinement of adapters stops, and that it stops nothing that adapters need.
//
// Run starts a hostile program (package probe: the host's own binary, run again) exactly as an adapter is started, by package confine,
// with a session of package egress, and lets it try one way out after another. What it was refused, it tries once more as an unconfined
// child of the doctor: an attempt that fails there too proves nothing, and is told as such. As root, what the kernel's file permissions
// refused is tried a third time, unconfined but with a user id of its own, to tell which of the layers stopped it.
//
// scene.go makes what there is to be reached, launch.go runs the program and listens to it, judge.go says what stopped an attempt.
package doctor

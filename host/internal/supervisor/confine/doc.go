// Package confine starts a program that the kernel keeps to itself: it can read and write its private directories, serve a unix
// socket, and use the descriptors that it was given. It can open no connection, execute no other program, create no process, and
// reach no other process.
//
// Between the host and the program stands a shim, which is the host's own binary run again with ShimArgument: Command (or Wrap)
// builds that, and main hands over to Shim. The shim gives up user id, groups and capabilities (identity.go), binds itself to the
// host's life, sets resource limits, restricts itself by Landlock (landlock.go) and seccomp (rules.go, filter.go), and becomes the
// program, which comes as a sealed memfd whose digest was checked (seal.go). Probe says what of this the running kernel offers.
//
// The two kernel mechanisms divide the work. Landlock decides on paths, which seccomp cannot see. Seccomp decides on everything that
// needs no path, and on what Landlock leaves out: attributes of files, signals on older kernels, sockets.
package confine

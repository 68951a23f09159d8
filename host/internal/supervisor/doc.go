// Package supervisor owns the adapters' processes: it knows their binaries, starts one process for each when it is first needed,
// speaks the contract with it, stops it when it is idle, and starts it again with growing pauses when it dies. It is the only
// importer of go-plugin, whose traps it keeps from the rest of the host.
//
// supervisor.go is the door, adapter.go the life of one adapter, process.go one launch of it, call.go the calls, and convert.go the
// border to the generated types, of which declared.go holds manifests and inbox.go what comes before a result. launcher.go and runner.go
// are the mechanism beneath: one thread, one process.
package supervisor

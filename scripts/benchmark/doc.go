// Command benchmark measures what Patchbay adds to a call, beside what any design of its kind would add, in one run.
//
// Four ways lead to the same mock platform on loopback:
//
//	direct   the platform itself
//	floor    an HTTP handler, and behind it a bare go-plugin process over gRPC with AutoMTLS
//	durable  the floor, and one INSERT into Patchbay's own PostgreSQL, committed before the answer
//	patchbay slack.send_message over REST
//
// They take turns in short slices (rounds.go), so that whatever else the machine does meets all of them, and figures are medians over
// slices. Every way's processes are apart from the load generator, which is this process: platform.go, floor.go and plugin.go are
// other roles of the same program, patchbay.go starts the real host.
//
// Then startup.go times starts, lookup.go compares hosts with few and with many integrations, and report.go holds the figures against
// the bars.
package main

// Command patchbay is the host and the command line that operates it. `patchbay serve` runs a host; every other command asks a running one
// over its REST API. Flags, environment and files become a host.Config or a request here, and nothing else does.
package main

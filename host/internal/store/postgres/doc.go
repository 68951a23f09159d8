// Package postgres owns the host's private PostgreSQL: the one that runs as a child process when the operator
// names no server of their own.
//
// Its files lie side by side under the host's data directory:
//
//	postgres/           the cluster; 0700, owned by the account that runs it
//	postgres.password   the password of the role "patchbay"; 0600, the host's
//	postgres.lock       held by flock while a host runs on this directory; names the holder
//	postgres-run/       the unix socket; 0700 (a short private directory elsewhere when the path is too long)
//	postgres-bin/       the bundled binaries, unpacked, one directory per digest
//
// There is no TCP listener. The server dies with the host, is restarted when it crashes, and keeps fsync,
// full_page_writes and synchronous_commit on. A host that runs as root runs it as a passwd user of its own.
package postgres

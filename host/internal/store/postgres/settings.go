package postgres

import (
	"fmt"
	"strings"
)

const (
	role     = "patchbay" // owns the database of the same name; not a superuser
	database = "patchbay"
	port     = 5432 // part of the socket's name; nothing listens on TCP
)

// accessRules is the whole pg_hba.conf: the role by password over the socket, nobody else by any way.
const accessRules = "# Written by Patchbay.\nlocal all " + role + " scram-sha-256\nlocal all all reject\n"

// settings are the server's settings as arguments, which win over its files. What keeps acknowledged writes safe is
// named although it is the default: a file cannot switch it off.
func settings(major int, socketDir string) []string {
	list := []string{
		"fsync=on", "full_page_writes=on", "synchronous_commit=on",
		"listen_addresses=", fmt.Sprintf("port=%d", port),
		"unix_socket_directories=" + directoryList(socketDir), "unix_socket_permissions=0700",
		"max_connections=300", "ssl=off", "password_encryption=scram-sha-256", "cluster_name=patchbay",
		// Memory: what the cache of the system holds is not held twice.
		"shared_buffers=16MB", "wal_buffers=2MB", "work_mem=4MB", "maintenance_work_mem=32MB", "effective_cache_size=256MB", "huge_pages=off",
		// Many small transactions: no compiler, no workers, no waiting for company at commit.
		"jit=off", "max_parallel_workers_per_gather=0", "max_parallel_maintenance_workers=0", "commit_delay=0",
		"random_page_cost=1.1",
		// Recovery after a crash replays at most this much.
		"max_wal_size=256MB", "min_wal_size=64MB", "checkpoint_timeout=5min",
		// A private server has no replicas.
		"max_wal_senders=0", "max_replication_slots=0", "max_logical_replication_workers=0",
		"autovacuum=on", "autovacuum_max_workers=2",
		"timezone=UTC", "log_timezone=UTC", "lc_messages=C",
	}
	list = append(list, quietLog...)
	if major >= 18 {
		list = append(list, "io_method=sync") // spares three idle processes
	}
	return arguments(list)
}

// quietLog keeps what users store out of the log: messages of statements, the statements, and their details can all
// quote values.
var quietLog = []string{
	"log_destination=stderr", "logging_collector=off", "log_line_prefix=", "log_min_messages=log",
	"log_min_error_statement=panic", "log_error_verbosity=terse", "log_statement=none", "log_parameter_max_length=0", "log_parameter_max_length_on_error=0",
	"log_min_duration_statement=-1",
	"log_checkpoints=off", "log_autovacuum_min_duration=-1", "log_connections=off", "log_disconnections=off",
}

func arguments(settings []string) []string {
	var args []string
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// directoryList quotes one directory for a setting that takes several.
func directoryList(dir string) string {
	return `"` + strings.ReplaceAll(dir, `"`, `""`) + `"`
}

// Package egress is the adapter's side of descriptor passing: it asks the host for connections over an inherited socket, and gets
// connected TCP sockets. It works in a process that may neither create nor connect sockets: all it does is sendmsg and recvmsg on
// the inherited descriptor, and what net.FileConn needs to take over a socket (dup, getsockopt, setsockopt, getsockname,
// getpeername).
package egress

// Package egress is the adapters' only way out of the machine. A confined adapter cannot open a connection; it asks for one over
// an inherited socket, and the host decides, resolves the name, dials, and passes the connected TCP descriptor back (SCM_RIGHTS).
// From then on the bytes flow between adapter and platform with nobody in between.
//
// A Gate belongs to the host and knows how to resolve and dial. A Session belongs to one launch of one adapter: it holds the
// host's end of the socketpair and the calls that are admitted at the moment. A request names its call by an unguessable dial id,
// and what it may reach is what the Rules of that call say.
//
// One request, in order: wire.go decodes it; session.go finds its call; policy.go decides on host and port (host.go reads names
// and patterns, address.go classifies addresses); dial.go resolves, has every address checked again by policy.go, and connects to
// exactly a checked one; call.go keeps a duplicate of a connection to an integration's own host, to cut it when the call ends;
// socket.go passes the descriptor.
//
// The adapter is taken for hostile: what it sends is bounded in size, rate and number, descriptors that it sends never enter the
// host's table, and what it does not receive stays within its socket's send buffer.
package egress

// Package host is the core of Patchbay: it owns encryption, storage, identity and the life of a call, and reaches every platform
// through an adapter, a process of its own. Everything but this package's Config, Open, Run and Close is internal.
//
// A call, followed through the rooms:
//
//  1. POST /v1/calls arrives at api (calls.go). identity says whose token it is.
//  2. Of a pool, dispatch (pool.go) tries the members in turn. dispatch (run.go) asks integration for the record of that user; another's is as missing as none. catalog answers the platform,
//     the operation and the operator's settings.
//  3. catalog (input.go) checks the input against the operation's schema, dispatch the scopes.
//  4. With an Idempotency-Key, dispatch (claim.go) commits the claim before anything is sent.
//  5. dispatch waits where the platform asked any host for a pause (hold.go) or takes no more for now (budget.go).
//  6. integration (lease.go) opens the credential at vault's door (policy.go): for its owner, for this call. An OAuth token that is about
//     to end is refreshed first (oauth/refresher.go).
//  7. supervisor (call.go) picks the release that serves (adapter.go) and gives the call to its process, which it starts if none runs
//     (generation.go, process.go). An operation on a sandbox goes to the room sandbox (runner.go), which asks the process in its own words.
//  8. The adapter dials: egress checks the call's id and the host, resolves, connects, and passes the descriptor.
//  9. dispatch (policy.go) judges a failure by the operation's effect: wait, repeat, or give up and say what is known.
//  10. usage (ledger.go) commits the call with its audit record, together with others that end at the same time, and only then is
//     the caller answered.
//
// The rooms, each owning one noun:
//
//	vault         keys, sealing, secrets, rotation
//	integration   a user's connection: the record, its life, the lease, how it was authorised
//	oauth         providers, token requests, and who may refresh a grant
//	catalog       platforms, operations, settings, and the words in which calls are asked and answered
//	mount         the platforms that operators make of documents, and variants
//	release       the adapters' releases: who is trusted, what they are granted, which is to run
//	supervisor    the adapters' processes, and how one release takes the place of another; the only importer of go-plugin
//	egress        the adapters' only way out
//	dispatch      the life of a call
//	pool          several integrations of a platform, used in turn
//	workflow      documents of operations that follow one another, and their runs
//	file          files that calls gave, sealed
//	usage, audit  what was recorded, and the hash chain of who did what
//	alert         thresholds and budgets of usage, and who is told
//	sandbox       places to run code: whose, in what state, for how long, at what cost
//	event         what happened, and the webhooks that are told
//	identity      users, sessions, tokens
//	signin        signing in at an OpenID provider
//	consent       what users let MCP clients do: an authorisation server
//	cluster       the hosts that share a database, and their word that an old copy is gone
//	store         PostgreSQL; implements the Store interface that each room declares
//	api, mcp, web REST, MCP, pages
//
// Two rules hold it together. A room declares the interfaces that it needs and imports no store. And whatever yields plaintext does so
// at one door, which knows who asks.
package host

// Package workflow owns workflows and their runs. A workflow is a document: nodes that run operations, with expressions that carry the
// output of one into the input of another. A run is one execution of it.
//
// The nodes of all runs are rows. A host takes those that are ready, and is their owner while its heartbeat lives; what a host that died
// had taken is ready again. What a node gave is stored in the same transaction that makes its successors ready, so a run goes on from
// there on any host. A write is sent under an Idempotency-Key of its own: a host that takes it over is given the answer, or told that
// its fate is unknown, and never sends it twice. A node that waits for a person, for a time or for another run is a row without an owner.
package workflow

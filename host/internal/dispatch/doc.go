// Package dispatch owns the life of a call: allow, claim, lease, run, retry, record.
//
// policy.go says what a failure means for an operation of an effect: run it again, wait, or give up and how. run.go does it.
package dispatch

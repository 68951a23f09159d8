// Package sandbox owns sandboxes: whose they are, what state they are in, how long they may run, and what they cost. What runs them is a
// [box.Driver]; this room says what is to happen, books it before it is begun, and begins it again after a crash until it is done.
package sandbox

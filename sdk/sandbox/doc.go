// Package sandbox has the words in which a host asks an adapter for sandboxes: persistent places to run code. An adapter that runs them
// implements [Service] and names it in sdk.Adapter. The words are plain values without an import, so that a program inside a sandbox can
// speak them too.
package sandbox

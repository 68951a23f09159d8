// Package catalog owns the platforms and operations in force: what adapters declare, what the operator set for each platform,
// and the vocabulary in which the host asks an adapter for a call and hears how it ended.
package catalog

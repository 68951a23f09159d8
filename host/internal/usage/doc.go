// Package usage owns what calls consumed: one row for each call, committed together with its audit record before the caller is
// answered. Calls that end at the same time share one commit.
package usage

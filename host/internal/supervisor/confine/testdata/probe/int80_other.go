//go:build !amd64

package main

import "syscall"

// int80 has no counterpart here.
func int80(int32, int32, int32, int32) int32 { return -int32(syscall.ENOSYS) }

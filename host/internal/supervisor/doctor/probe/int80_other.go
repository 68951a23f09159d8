//go:build !amd64

package probe

import "syscall"

const hasInt80 = false

func int80(int32, int32, int32, int32) int32 { return -int32(syscall.ENOSYS) }

package probe

// hasInt80 says whether there is a 32-bit interface to try.
const hasInt80 = true

// int80 makes a system call by the 32-bit interface. A failure is a negative errno.
func int80(number, a, b, c int32) int32

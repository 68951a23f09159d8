package main

// int80 makes a system call by the 32-bit interface.
func int80(number, a, b, c int32) int32

// A library of Go code for a C program (`-buildmode=c-shared`).
package main

import "C"

//go:noinline
func work(n int) int { return part(n) * 3 }

//go:noinline
func part(n int) int { return n + 1 }

//export Serve
func Serve(n C.int) C.int { return C.int(work(int(n))) }

func main() {}

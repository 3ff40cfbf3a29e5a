// A library for C programs.
package main

import "C"

//export Work
func Work(n C.int) C.int { return n + 1 }

func main() {}

// Escaped calls functions of a package whose path is not what its symbols say.
package main

import "programs/escaped/yaml.v3"

var calls int

//go:noinline
func where() { calls++ }

//go:noinline
func call(f func()) { f() }

func main() {
	yaml.Parse(where)
	call(yaml.Later(where))
}

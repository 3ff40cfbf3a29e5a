// Package yaml has a dot in the last element of its path, which the linker writes as %2e.
package yaml

// Parse calls f.
//
//go:noinline
func Parse(f func()) { f() }

// Later gives a function literal that calls f.
func Later(f func()) func() { return func() { f() } }

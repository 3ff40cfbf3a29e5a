// Package dot has a dot in its import path, which symbol names write as %2e.
package dot

//go:noinline
func Twice(n int) int { return Small(n) + Small(n) }

// Small is inlined into Twice.
func Small(n int) int {
	sum += n
	return n + 1
}

var sum int

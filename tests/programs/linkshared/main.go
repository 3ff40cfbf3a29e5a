// Built with `-linkshared`: grows its stack, recovers from a panic, and has its runtime in a library.
package main

//go:noinline
func work(n int) (r int) {
	defer func() { recover() }()
	return inner(n)
}

//go:noinline
func inner(n int) int {
	if n == 2 {
		panic("two")
	}
	return deep(n, 60)
}

//go:noinline
func deep(n, d int) int {
	var pad [64]int
	if d == 0 {
		return n
	}
	pad[d%64] = deep(n, d-1)
	return pad[d%64]
}

func main() {
	for i := 0; i < 4; i++ {
		println(work(i))
	}
}

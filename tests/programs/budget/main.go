// Command budget has a function whose probes cost too much.
//
// Every step calls hot very often, and rare and last once. The sum that it prints does not depend on how long that takes.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

//go:noinline
func hot(n uint64) uint64 {
	n ^= n << 13
	n ^= n >> 7
	return n ^ n<<17
}

//go:noinline
func rare(n uint64) uint64 {
	return hot(n) + 1
}

//go:noinline
func last(n uint64) uint64 {
	return hot(n + 1)
}

//go:noinline
func step(n uint64) uint64 {
	for i := 0; i < 2000; i++ {
		n = hot(n)
	}
	return rare(n) ^ last(n)
}

func main() {
	steps, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	n := uint64(88172645463325252)
	for i := 0; i < steps; i++ {
		n = step(n)
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Println("sum", n)
}

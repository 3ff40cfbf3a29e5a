// Command tls has thread-local data in C, so that the runtime's own is not the last: 10 goroutines call C twice each. What lies where the
// runtime's would be otherwise is taken for a goroutine with the id 4711.
package main

/*
#include <stdlib.h>
static __thread long *scratch;
static __thread long aligned[3] __attribute__((aligned(64)));
static __thread int initialised = 1;
static int cadd(int x, int y) {
	if (!scratch) {
		scratch = calloc(100, sizeof(long));
		scratch[0x98 / 8] = scratch[0xa0 / 8] = 4711;
	}
	aligned[0] += x;
	return x + y + initialised - 1;
}
*/
import "C"

import (
	"fmt"
	"sync"
)

//go:noinline
func leaf(n int) int { return n + int(C.cadd(C.int(n), 1)) }

//go:noinline
func outer(n int) int { return leaf(n) + leaf(n*2) }

func main() {
	var wg sync.WaitGroup
	sum := make([]int, 10)
	for i := range sum {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			sum[i] = outer(i)
		}(i)
	}
	wg.Wait()
	fmt.Println(sum)
}

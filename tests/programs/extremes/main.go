// Command extremes calls functions with values at the ends of their ranges, or that cannot be read.
//
//	extremes [CALLS]
//
// It makes CALLS calls of each function, one after the other: their number is their argument.
package main

import (
	"math"
	"os"
	"strconv"
	"time"
)

type box struct {
	n    int
	name string
}

//go:noinline
func whole(n int64) int64 { return n / 2 }

// Every third box is nil.
//
//go:noinline
func opened(b *box) int {
	if b == nil {
		return 0
	}
	return b.n
}

//go:noinline
func numbered(n int) int { return -n }

// Panics where it is odd.
//
//go:noinline
func halved(n int) (half int) {
	if n%2 != 0 {
		panic("odd")
	}
	return n / 2
}

func safely(n int) {
	defer func() { _ = recover() }()
	halved(n)
}

// Fills two thirds of the buffer.
//
//go:noinline
func read(buf []byte, want int, pause time.Duration) (n int, err error) {
	n = len(buf) * 2 / 3
	for i := range buf[:n] {
		buf[i] = byte('a' + i%26)
	}
	return n, nil
}

func main() {
	calls := 10
	if len(os.Args) > 1 {
		calls, _ = strconv.Atoi(os.Args[1])
	}
	numbers := []int64{math.MaxInt64, math.MaxInt64, math.MinInt64, -1, 0, 1, 1 << 31, -1 << 31, 5_000_000_000, math.MaxInt64}
	for i := 0; i < calls; i++ {
		whole(numbers[i%len(numbers)])
		if i%3 == 0 {
			opened(nil)
		} else {
			opened(&box{i, "box"})
		}
		numbered(i)
		safely(i)
		read(make([]byte, 3*i), 2*i, time.Duration(i)*time.Millisecond)
	}
}

// Command flags has, for each of the processor's 16 conditions, a function that jumps on it and one that falls through, and calls each with
// every combination of the flags that conditions read. It prints one line a call: the function's name, the flags, and which way it went.
//
// The functions' own code is a place holder. No Go code sets flags at will, and a tracer may treat assembly differently, so the test writes
// other code over it: load the flags, jump or not, return 1 or 0.
package main

import "fmt"

func main() {
	outer()
}

// The flags that conditions read, and the one that is always set.
const (
	carry    = 1 << 0
	always   = 1 << 1
	parity   = 1 << 2
	zero     = 1 << 6
	sign     = 1 << 7
	overflow = 1 << 11
)

//go:noinline
func outer() {
	for condition := range taken {
		for n := 0; n < 32; n++ {
			flags := uint64(always)
			for bit, flag := range []uint64{carry, parity, zero, sign, overflow} {
				if n>>bit&1 == 1 {
					flags |= flag
				}
			}
			fmt.Printf("main.taken%d %#x %d\n", condition, flags, taken[condition](flags))
			fmt.Printf("main.passed%d %#x %d\n", condition, flags, passed[condition](flags))
		}
	}
}

// place is enough code, and needs no stack.
func place(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return x ^ x>>32
}

// taken holds the functions that leave by the jump.
var taken = [16]func(uint64) uint64{
	taken0, taken1, taken2, taken3, taken4, taken5, taken6, taken7,
	taken8, taken9, taken10, taken11, taken12, taken13, taken14, taken15,
}

// passed holds the functions that leave by not jumping.
var passed = [16]func(uint64) uint64{
	passed0, passed1, passed2, passed3, passed4, passed5, passed6, passed7,
	passed8, passed9, passed10, passed11, passed12, passed13, passed14, passed15,
}

//go:noinline
func taken0(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken1(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken2(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken3(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken4(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken5(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken6(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken7(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken8(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken9(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken10(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken11(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken12(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken13(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken14(flags uint64) uint64 { return place(flags) }

//go:noinline
func taken15(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed0(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed1(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed2(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed3(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed4(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed5(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed6(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed7(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed8(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed9(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed10(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed11(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed12(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed13(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed14(flags uint64) uint64 { return place(flags) }

//go:noinline
func passed15(flags uint64) uint64 { return place(flags) }

package main

import "fmt"

// Functions whose probes have several possible places.

//go:noinline
func placedCallee(n int) int {
	if n > 3 {
		fmt.Println(n)
	}
	return n * factor
}

//go:noinline
func placedCaller(n int) int {
	if n < offset {
		return factor
	}
	fmt.Println(n)
	return placedCallee(n)
}

//go:noinline
func placedTop(n int) int { return placedCaller(n + factor) }

//go:noinline
func placedCircle(n int) int {
	if n <= 0 {
		return placedTop(n)
	}
	return placedCircle(n - offset)
}

// placedOneWay returns at once in one direction of its first jump.
//
//go:noinline
func placedOneWay(n int) int {
	if n == 0 {
		return factor
	}
	for i := 0; i < n; i++ {
		offset += i
	}
	return offset
}

// placedEither returns at once in both.
//
//go:noinline
func placedEither(n int) int {
	if n == 0 {
		factor++
		return 1
	}
	offset++
	return 2
}

//go:noinline
func placedStraight(a, b int) int { return a*7 + b }

func init() {
	if factor == 0 {
		fmt.Println(placedCircle(1), placedOneWay(2), placedEither(3), placedStraight(4, 5))
	}
}

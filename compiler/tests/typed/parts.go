package main

import "time"

type left struct{ Name, Mark string }
type right struct{ Name string }

// Both has Name twice at the same depth, and Mark once.
type both struct {
	left
	right
	Four *[4]byte
}

//go:noinline
func words(b *both, four *[4]int, body []byte, list []string, took time.Duration, times int) []string {
	if b != nil && len(four) == times && took > 0 && len(body) > 0 {
		list = append(list, b.left.Name)
	}
	return list
}

//go:noinline
func pair(b *both) *[2]int {
	return &[2]int{len(b.left.Name), len(b.right.Name)}
}

// The compiler gives all pointers one shape.
type holder[T any] struct{ first T }

//go:noinline
func put[T any](x T, held *holder[T]) {
	held.first = x
}

// A ring embeds pointers to itself only, by many names.
type (
	ring struct {
		*r1
		*r2
		*r3
		*r4
		*r5
		*r6
		*r7
		*r8
		*r9
		Low int
	}
	r1 = ring
	r2 = ring
	r3 = ring
	r4 = ring
	r5 = ring
	r6 = ring
	r7 = ring
	r8 = ring
	r9 = ring
)

//go:noinline
func around(r *ring) int { return r.r1.Low }

//go:noinline
func grid(cells [3][2]int, at int) int { return cells[at][0] }

func useParts() {
	println(grid([3][2]int{}, 1))
	n, q := 300, &URL{}
	put(&n, &holder[*int]{})
	put(q, &holder[*URL]{})
	println(around(&ring{r1: &ring{}}))
	b := &both{Four: &[4]byte{}}
	println(len(words(b, &[4]int{}, []byte("x"), nil, time.Second, 4)), pair(b)[1])
}

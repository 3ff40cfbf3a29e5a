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

func useParts() {
	b := &both{Four: &[4]byte{}}
	println(len(words(b, &[4]int{}, []byte("x"), nil, time.Second, 4)), pair(b)[1])
}

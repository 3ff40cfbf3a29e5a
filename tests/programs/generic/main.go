// Generic has generic methods, which Go knows since 1.27.
package main

import "os"

// A Box holds a value.
type Box[T any] struct{ v T }

// Map is generic beside its receiver.
//
//go:noinline
func (b *Box[T]) Map[U any](f func(T) U) *Box[U] { return &Box[U]{f(b.v)} }

// Pair is so for a value.
//
//go:noinline
func (b Box[T]) Pair[U comparable](u U) bool { var a, c any = u, b.v; return a == c }

// Plain is not.
//
//go:noinline
func (b *Box[T]) Plain(u T) T { return u }

func main() {
	b := &Box[int]{41}
	if b.Map[string](func(i int) string { return "s" }).v != "s" || !b.Pair[int](41) || b.Plain(7) != 7 {
		os.Exit(1)
	}
	b.Map[struct{}](func(i int) struct{} { return struct{}{} })
}

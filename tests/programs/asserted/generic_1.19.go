//go:build !go1.20

package main

type local[E any] struct{ v E }

func gen[E any](id int, e E) { show(id, local[E]{e}) }

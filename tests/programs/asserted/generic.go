//go:build go1.20

package main

func gen[E any](id int, e E) {
	type local struct{ v E }
	show(id, local{e})
}

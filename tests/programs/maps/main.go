// Command maps has maps within maps, of their own type too.
package main

import "strings"

type own map[string]own

type node struct {
	name string
	sub  map[string]*node
}

//go:noinline
func tree(m own) int { return len(m) }

//go:noinline
func two(m map[string]map[string]int) int { return len(m) }

//go:noinline
func three(m map[string]map[string]map[string]int) int { return len(m) }

//go:noinline
func slices(m map[string][]string) int { return len(m) }

//go:noinline
func pointers(n *node) int { return len(n.sub) }

//go:noinline
func long(s, t string, m map[string]map[string]string) int { return len(s) + len(t) + len(m) }

func main() {
	tree(own{"a": nil, "m": own{"b": nil}})
	two(map[string]map[string]int{"x": {"y": 1}})
	three(map[string]map[string]map[string]int{"x": {"y": {"z": 1}}})
	slices(map[string][]string{"k": {"v", "w"}})
	pointers(&node{"root", map[string]*node{"leaf": {"under", nil}}})
	s := strings.Repeat("0123456789", 70)
	long(s, s[:200], map[string]map[string]string{"x": {"y": s[:100]}})
}

// Package yaml has a dot in the last element of its path.
package yaml

type Node struct{ Kind int }

//go:noinline
func Walk(v any) int {
	if node, ok := v.(*Node); ok {
		return node.Kind
	}
	return 0
}

// Package dotted has a dot in its path.
package dotted

type Node struct{ N int }

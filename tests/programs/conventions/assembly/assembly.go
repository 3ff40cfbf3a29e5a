// Package assembly has functions whose arguments are on the stack.
package assembly

func Add(a, b int) int
func Float(a float64, n int32) float64
func Length(s string, b []byte) (n int, ok bool)
func Narrow(a int8, b int64, c uint16) int64

// Through calls called, by the stack too.
func Through(a int) int

//go:noinline
func called(a int) int { return a + 100 }

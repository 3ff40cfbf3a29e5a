// The plugin (`-buildmode=plugin`).
package main

type Event struct {
	Name string
	N    int
}

//go:noinline
func inner(i int, back func(int, any) any) any { return back(i, Event{"e", i}) }

//go:noinline
func direct(i int, back func(int, any) any) any { return inner(i, back) }

func Do(i int, back func(int, any) any) any { return direct(i, back) }

func main() {}

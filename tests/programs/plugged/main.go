// Opens the plugin that its argument names, and calls it with each number that it reads.
package main

import (
	"fmt"
	"os"
	"plugin"
)

//go:noinline
func back(n int, v any) any { return v }

//go:noinline
func handle(f func(int, func(int, any) any) any, i int) any { return f(i, back) }

func main() {
	var n int
	fmt.Println("pid", os.Getpid())
	fmt.Scan(&n)
	opened, err := plugin.Open(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	do, err := opened.Lookup("Do")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	f := do.(func(int, func(int, any) any) any)
	fmt.Println("opened")
	for {
		fmt.Printf("called %+v\n", handle(f, n))
		if _, err := fmt.Scan(&n); err != nil {
			return
		}
	}
}

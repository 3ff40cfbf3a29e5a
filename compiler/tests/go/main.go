// Command plan is compiled by the compiler's tests: each function shows one thing that a plan or a diagnostic speaks of.
package main

import (
	"fmt"
	"os"
	"strings"
)

type cache[K comparable, V any] struct{ items map[K]V }

//go:noinline
func (c *cache[K, V]) get(key K) V { return c.items[key] }

//go:noinline
func handleFoo(c *cache[string, int], key string) int {
	return tiny(c.get(key)) + double(len(key))
}

//go:noinline
func handleBar(c *cache[string, int], keys []string) int {
	sum := 0
	for _, key := range keys {
		sum += handleFoo(c, strings.ToLower(key))
	}
	return sum
}

// tiny is inlined wherever it is called.
func tiny(n int) int { return n*2 + offset }

// double is inlined where it is called, and called through a variable too.
func double(n int) int { return n * factor }

// Loads of these are left of the functions above, whatever the optimiser does.
var offset, factor = 1, 2

var indirect = double

// nothing begins with its ret.
//
//go:noinline
func nothing() {}

// In assembly: jump is nothing but a jump to landing, and leave ends with one.
func jump()
func leave()
func landing()

//go:noinline
func forever(messages chan string) {
	for {
		fmt.Println(<-messages)
	}
}

func main() {
	c := &cache[string, int]{items: map[string]int{"a": 1}}
	fmt.Println(handleBar(c, os.Args), indirect(len(os.Args)))
	nothing()
	jump()
	leave()
	landing()
	if len(os.Args) > 5 {
		forever(make(chan string))
	}
}

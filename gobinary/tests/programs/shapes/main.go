// Command shapes has a function of each shape that the tests of probe sites ask for.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	dot "example.com/shapes/dot.v2"
)

func Add(a, b int) int
func LoopAtEntry()
func JumpOnly(a, b int) int
func JumpLast(a, b int) int
func JumpThroughRegister()
func FallsThrough()
func Breakpoint()
func Locked()
func UsesR14()
func Framed()

var sink int

//go:noinline
func empty() {}

//go:noinline
func leaf(n int) int { return n + 1 }

//go:noinline
func caller(n int) int { return leaf(n) + leaf(n+1) }

//go:noinline
func recursive(n int) int {
	if n <= 0 {
		return 0
	}
	return recursive(n-1) + 1
}

//go:noinline
func bigFrame(n int) byte {
	var space [1000]byte
	fill(space[:], n)
	return space[n%len(space)]
}

//go:noinline
func hugeFrame(n int) byte {
	var space [60000]byte
	fill(space[:], n)
	return space[n%len(space)]
}

//go:noinline
func fill(space []byte, n int) {
	for i := range space {
		space[i] = byte(i * n)
	}
}

//go:noinline
func manySwitch(n int) int {
	switch n {
	case 0:
		return leaf(9)
	case 1:
		return caller(8)
	case 2:
		return recursive(7)
	case 3:
		return leaf(n * 3)
	case 4:
		return caller(n + 4)
	case 5:
		return leaf(55)
	case 6:
		return caller(66)
	case 7:
		return leaf(77) + 1
	case 8:
		return leaf(88) + 2
	case 9:
		return leaf(99) + 3
	case 10:
		return leaf(100) + 4
	}
	return -1
}

//go:noinline
func neverReturns(n int) { panic(fmt.Sprint("never", n)) }

//go:noinline
func endless() {
	for {
		sink += leaf(sink)
	}
}

//go:noinline
func recovers() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	neverReturns(1)
	return nil
}

func inlinedTwice(n int) int { return inlined(n) * 3 }

func inlined(n int) int { sink ^= n; return sink*2 + 1 }

//go:noinline
func inlines(n int) int {
	a := inlinedTwice(n)
	b := inlined(n + 1)
	return a + b
}

//go:noinline
func Map[T, U any](from []T, f func(T) U) []U {
	to := make([]U, 0, len(from))
	for _, x := range from {
		to = append(to, f(x))
	}
	return to
}

type point struct{ x, y int }

//go:noinline
func (p *point) move(dx, dy int) { p.x += dx; p.y += dy }

//go:noinline
func (p point) Sum(scale int) int { return (p.x + p.y) * scale }

type promoted struct {
	*strings.Reader
	name string
}

type reader struct{ io.Reader }

//go:noinline
func closure(n int) func(int) int {
	return func(m int) int { n += leaf(m); return n }
}

func main() {
	if len(os.Args) > 5 {
		JumpThroughRegister()
		FallsThrough()
		Breakpoint()
		Locked()
		Framed()
		UsesR14()
		LoopAtEntry()
		endless()
	}
	p := &point{1, 2}
	p.move(3, 4)
	var summer interface{ Sum(int) int } = *p
	through := Add
	if len(os.Args) > 4 {
		through = JumpLast
	}
	readers := []io.Reader{promoted{strings.NewReader("a"), "b"}, &promoted{strings.NewReader("c"), "d"}, &reader{strings.NewReader("e")}}
	for _, r := range readers {
		io.Copy(io.Discard, r)
	}
	add := closure(3)
	empty()
	fmt.Println(Add(1, 2), JumpOnly(3, 4), JumpLast(5, 6), caller(1), recursive(10), bigFrame(3), hugeFrame(4), manySwitch(len(os.Args)),
		recovers(), inlines(len(os.Args)), Map([]int{1}, func(n int) string { return fmt.Sprint(n) }), Map([]string{"a"}, func(s string) int { return len(s) }),
		summer.Sum(2), through(7, 8), add(4), dot.Twice(5))
}

// Command conventions calls functions whose arguments are not in registers: those that cgo makes, and assembly.
package main

/*
struct pair { int a; long b; };
struct vec { double x, y; };
static int sub(int x, int y) { return x - y; }
static double half(double d) { return d / 2; }
static float third(float d, int n) { return d / 3 + n; }
static struct pair make(int a, long b) { struct pair p = {a, b}; return p; }
static struct vec vector(double a, char c, double b) { struct vec v = {a, b + c}; return v; }
static long sum(struct pair p, unsigned char t) { return p.a + p.b + t; }
static void nothing(int a, char b) { }
static unsigned char small(unsigned char a, short b, unsigned char c) { return a + b + c; }
extern int back(int, char);
static int call(int n) { return back(n, 'x') + 1; }
*/
import "C"

import (
	"fmt"

	"programs/conventions/assembly"
)

//export back
func back(n C.int, c C.char) C.int { return C.int(times(int(n), 3)) + C.int(c) }

//go:noinline
func times(n, by int) int { return n * by }

func main() {
	for i := 0; i < 3; i++ {
		round(i)
	}
}

//go:noinline
func round(i int) {
	n := C.int(1000 + i)
	p := C.make(n, 77)
	C.nothing(5, 6)
	fmt.Println(C.sub(n, 7), C.half(C.double(n)), C.third(3, n), p, C.vector(1.5, 2, 3.5), C.sum(p, 9), C.small(1, 2, 3), C.call(4))
	sum, ok := assembly.Length("abc", []byte{1, 2})
	fmt.Println(assembly.Add(3, 4), assembly.Float(1.5, 2), assembly.Narrow(-1, 2, 3), sum, ok, assembly.Through(5))
}

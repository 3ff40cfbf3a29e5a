// Command typed has functions whose parameters and results expressions are about. Nobody runs it.
package main

import (
	"errors"
	"os"
	"time"
)

type URL struct {
	Scheme, Path string
}

type Base struct {
	ID      int64
	Tags    []string
	private *URL
}

type Request struct {
	Base
	Method string
	URL    *URL
	Body   []byte
	Codes  [3]uint16
	Header map[string][]string
	Done   chan struct{}
	Far    [5000]byte
	Last   int
}

type Code uint8

type queryError struct {
	Code    int
	Message string
}

func (e *queryError) Error() string { return e.Message }

//go:noinline
func query(sql string, limit int, small int8, code Code, ratio float64) ([]string, error) {
	if limit > 1000 {
		return nil, &queryError{limit, sql}
	}
	return []string{sql, os.Args[0], string(rune(small)), string(rune(code)), time.Duration(ratio).String()}, nil
}

//go:noinline
func handle(r *Request, timeout time.Duration, ok bool, counts []uint32, values [2]int, ptr *int, v any, err error) (n int64, took time.Duration, e error) {
	if ok && r.URL != nil && timeout > 0 && len(counts) > 1 && ptr != nil && v != nil && err != nil && values[0] > values[1] {
		n = int64(counts[1]) + int64(*ptr) + r.ID
	}
	return n, timeout, errors.New(r.Method)
}

//go:noinline
func count(a uint64, b uint32, c int32, len int) int { return int(a) + int(b) + int(c) + len }

//go:noinline
func nothing() { println(os.Getpid()) }

func main() {
	rows, err := query(os.Args[0], len(os.Args), 1, 2, 1.5)
	x := 1
	n, _, _ := handle(&Request{URL: &URL{}}, time.Second, true, []uint32{1, 2}, [2]int{2, 1}, &x, x, err)
	nothing()
	useDocs(&Request{})
	useParts()
	useNames()
	println(len(rows), n, count(1, 2, 3, 4))
}

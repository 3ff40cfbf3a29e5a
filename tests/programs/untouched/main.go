// Command untouched passes on strings whose bytes it never looks at, in memory that no page table has yet.
//
//	untouched words
//	untouched pages [GOROUTINES [ROUNDS]]
//	untouched edges
//
// words: strings in the executable, each far enough from all others that the kernel does not bring it in with them.
// pages: strings in a mapped file, a page for each goroutine, which is taken out of the page table before each of ROUNDS (1) calls.
// GOROUTINES (1,000) live at once, and up to 200 of them are in calls.
// edges: memory that was never written, that must not be read, that is not mapped any more, that is behind the end of its file.
//
// Each call is one of main.outer, which calls main.inner. At the end it says in JSON how many there were, and for how many of them the
// argument's memory was not there.
package main

import (
	"fmt"
	"io/ioutil"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

//go:noinline
func inner(number int, text, back string) (found string) { return back }

//go:noinline
func outer(number int, text, back string) (found string, same int) {
	return inner(number, text, back), number
}

var calls, absent int64

func call(number int, text, back string) {
	atomic.AddInt64(&calls, 1)
	if !isThere(text) {
		atomic.AddInt64(&absent, 1)
	}
	outer(number, text, back)
}

var pagemap *os.File

// Does the page table have the text's first page? (Documentation/admin-guide/mm/pagemap.rst)
func isThere(text string) bool {
	address := *(*uintptr)(unsafe.Pointer(&text))
	entry := make([]byte, 8)
	if _, err := pagemap.ReadAt(entry, int64(address/4096*8)); err != nil {
		panic(err)
	}
	return entry[7]&0x80 != 0
}

// As much as the kernel brings in around a page that is missing.
const apart = 64 << 10

func pages(goroutines, rounds int) {
	file, err := ioutil.TempFile("", "untouched")
	check(err)
	check(os.Remove(file.Name()))
	for n := 0; n < goroutines; n++ {
		page := make([]byte, 4096)
		copy(page, fmt.Sprintf("text-%08d", n))
		copy(page[2048:], fmt.Sprintf("back-%08d", n))
		_, err = file.WriteAt(page, int64(n*apart))
		check(err)
	}
	check(file.Sync())
	mapped, err := syscall.Mmap(int(file.Fd()), 0, goroutines*apart, syscall.PROT_READ, syscall.MAP_SHARED)
	check(err)
	check(syscall.Madvise(mapped, syscall.MADV_RANDOM))
	// One that waits for a page does not leave its place to another.
	runtime.GOMAXPROCS(200)
	var wait sync.WaitGroup
	begin := make(chan struct{})
	for n := 0; n < goroutines; n++ {
		wait.Add(1)
		go func(n int) {
			defer wait.Done()
			<-begin
			page := mapped[n*apart:][:4096]
			for round := 0; round < rounds; round++ {
				check(syscall.Madvise(page, syscall.MADV_DONTNEED))
				// Out of the page cache, too: it comes from the disk then.
				const dontneed = 4
				_, _, failed := syscall.Syscall6(syscall.SYS_FADVISE64, file.Fd(), uintptr(n*apart), 4096, dontneed, 0, 0)
				if failed != 0 {
					panic(failed)
				}
				call(n, text(page, 13), text(page[2048:], 13))
			}
		}(n)
	}
	close(begin)
	wait.Wait()
}

func edges() {
	file, err := ioutil.TempFile("", "untouched")
	check(err)
	check(os.Remove(file.Name()))
	check(file.Truncate(4096))
	anonymous := syscall.MAP_PRIVATE | syscall.MAP_ANONYMOUS
	for number, kind := range []struct{ fd, protection, flags int }{
		{-1, syscall.PROT_READ, anonymous},
		{-1, syscall.PROT_NONE, anonymous},
		{-1, syscall.PROT_READ, anonymous},
		{int(file.Fd()), syscall.PROT_READ, syscall.MAP_SHARED},
	} {
		mapped, err := syscall.Mmap(kind.fd, 0, 8192, kind.protection, kind.flags)
		check(err)
		at := text(mapped[4096:], 2)
		if number == 2 {
			check(syscall.Munmap(mapped))
		}
		call(number, at, "")
	}
}

// The first bytes as a string, without looking at them.
func text(bytes []byte, length int) string {
	bytes = bytes[:length]
	return *(*string)(unsafe.Pointer(&bytes))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func argument(number, otherwise int) int {
	if len(os.Args) <= number {
		return otherwise
	}
	value, err := strconv.Atoi(os.Args[number])
	check(err)
	return value
}

func main() {
	var err error
	pagemap, err = os.Open("/proc/self/pagemap")
	check(err)
	switch mode := os.Args[1]; mode {
	case "words":
		for n := range words {
			call(n, words[n][:5], words[n][5+len(k64):10+len(k64)])
		}
	case "pages":
		pages(argument(2, 1000), argument(3, 1))
	case "edges":
		edges()
	default:
		panic("no such mode: " + mode)
	}
	fmt.Printf("{\"calls\":%d,\"absent\":%d}\n", calls, absent)
}

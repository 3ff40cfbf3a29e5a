// Values that need types: each line that it reads is a call.
package main

import (
	"fmt"
	"os"
)

type request struct {
	path string
	n    int
}

//go:noinline
func handle(r *request, limit int) (string, error) { return r.path + "!", nil }

func main() {
	fmt.Println("pid", os.Getpid())
	var n int
	for {
		if _, err := fmt.Scan(&n); err != nil {
			return
		}
		answer, err := handle(&request{fmt.Sprint("/p", n), n}, 10*n)
		fmt.Println("answer", answer, err)
	}
}

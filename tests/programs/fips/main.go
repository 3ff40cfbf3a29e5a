//go:build go1.24

// Command fips hashes with the FIPS 140-3 module. Run with GODEBUG=fips140=on, it verifies the module's code when it starts and panics where an
// instruction of it has been replaced, as a probe does.
package main

import (
	"crypto/fips140"
	"crypto/sha256"
	"fmt"
)

func main() {
	sum := outer()
	fmt.Printf("fips140 %v %x\n", fips140.Enabled(), sum[:4])
}

//go:noinline
func outer() [32]byte { return sha256.Sum256([]byte("gofuncgraph")) }

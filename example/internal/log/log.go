// Package log is a logger with a problem: a debug message takes up to a second.
package log

import (
	"fmt"
	"io"
	"math/rand"
	"time"
)

// Debug writes a message that nobody reads, and takes its time.
func Debug(message ...any) {
	time.Sleep(time.Duration(rand.Int63n(int64(time.Second))))
	fmt.Fprintln(io.Discard, message...)
}

// Package store has types that programs name without their path.
package store

type QueryError struct{ Code int }

func (e *QueryError) Error() string { return "query" }

type Plain string

func (p Plain) Error() string { return string(p) }

//go:noinline
func Find(key string) error {
	if key == "" {
		return &QueryError{1}
	}
	return Plain(key)
}

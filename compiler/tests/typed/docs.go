package main

import (
	"errors"
	"strings"
	"time"
)

// What the examples of the language's documentation are about.

type DB struct {
	Name    string
	Retries int32
	Pool    *Pool
}

type Pool struct {
	Open, Limit int
	Load        float64
}

type Row struct {
	ID   int64
	Name string
}

type Server struct {
	Addr  string
	Debug bool
}

//go:noinline
func (db *DB) query(sql string, limit int) (rows []Row, err error) {
	if limit < 0 {
		return nil, &queryError{limit, sql}
	}
	return []Row{{int64(db.Retries), db.Name}}, nil
}

//go:noinline
func (s *Server) serve(r *Request, timeout time.Duration) (status int, err error) {
	if s.Debug || timeout == 0 {
		return 500, errors.New(s.Addr)
	}
	return 200, nil
}

//go:noinline
func double(n int) int { return 2 * n }

func useDocs(r *Request) {
	db := &DB{Name: strings.Repeat("x", 3), Pool: &Pool{}}
	rows, err := db.query("SELECT 1", 10)
	status, _ := (&Server{}).serve(r, time.Second)
	println(len(rows), err == nil, status, double(2))
}

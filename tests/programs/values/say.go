package main

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A value is a parameter or result with its static type.
type value struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Text string `json:"text"`
	Tree tree   `json:"tree"`
}

type call struct {
	Function string  `json:"function"`
	Args     []value `json:"args"`
	Captured []value `json:"captured,omitempty"`
	Results  []value `json:"results"`
}

// is keeps the static type of interfaces, which reflect.ValueOf(x) would lose.
func is[T any](name string, x T) value {
	v := reflect.ValueOf(&x).Elem()
	return value{Name: name, Type: v.Type().String(), Text: text(v, nil), Tree: treeOf(v, 0)}
}

func args(values ...value) []value    { return values }
func results(values ...value) []value { return values }

func say(function string, args, results []value) {
	write(call{Function: function, Args: args, Results: results})
}

func write(c call) {
	for _, values := range []*[]value{&c.Args, &c.Results} {
		if *values == nil {
			*values = []value{}
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(c); err != nil {
		panic(err)
	}
}

var (
	durationType = reflect.TypeOf(time.Duration(0))
	timeType     = reflect.TypeOf(time.Time{})
)

// text is a value in Go's syntax, whole, without cuts:
//
//	true   -8   255   0x1f (uintptr)   1.5   NaN   +Inf   (1+2i)   "text"
//	[]int{1, 2}   [2]int{1, 2}   main.point{x: 1, y: 2}   map[string]int{"a": 1, "b": 2} (keys sorted)
//	&main.point{…}   &5 (pointer to an int)   &…  (a pointer that is being written already)
//	nil   of pointers, slices, maps, chans, funcs, interfaces
//	chan int(len 1, cap 3)   main.callback (a func, by its symbol)   unsafe.Pointer(0x1f)
//	1.5s (time.Duration)   2024-05-06T07:08:09.1Z (time.Time, in UTC)
//
// What is in an interface has its type: int(5), string("x"), time.Duration(1.5s), main.point{…}, &main.point{…}, and *main.point(nil).
func text(v reflect.Value, path []uintptr) string {
	switch v.Type() {
	case durationType:
		return time.Duration(v.Int()).String()
	case timeType:
		return instant(v).UTC().Format(time.RFC3339Nano)
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Uintptr:
		return "0x" + strconv.FormatUint(v.Uint(), 16)
	case reflect.Float32, reflect.Float64:
		return float(v.Float(), v.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		bits := v.Type().Bits() / 2
		imaginary := float(imag(v.Complex()), bits)
		if imaginary[0] != '-' && imaginary[0] != '+' {
			imaginary = "+" + imaginary
		}
		return "(" + float(real(v.Complex()), bits) + imaginary + "i)"
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Slice:
		if v.IsNil() {
			return "nil"
		}
		return v.Type().String() + elements(v, path)
	case reflect.Array:
		return v.Type().String() + elements(v, path)
	case reflect.Struct:
		var fields []string
		for i := 0; i < v.NumField(); i++ {
			fields = append(fields, v.Type().Field(i).Name+": "+text(v.Field(i), path))
		}
		return v.Type().String() + "{" + strings.Join(fields, ", ") + "}"
	case reflect.Ptr:
		return pointer(v, path)
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return dynamic(v.Elem(), path)
	case reflect.Map:
		return entries(v, path)
	case reflect.Chan:
		if v.IsNil() {
			return "nil"
		}
		return v.Type().String() + "(len " + strconv.Itoa(v.Len()) + ", cap " + strconv.Itoa(v.Cap()) + ")"
	case reflect.Func:
		if v.IsNil() {
			return "nil"
		}
		return runtime.FuncForPC(v.Pointer()).Name()
	case reflect.UnsafePointer:
		return "unsafe.Pointer(0x" + strconv.FormatUint(uint64(v.Pointer()), 16) + ")"
	}
	panic("a value of kind " + v.Kind().String())
}

// float is what Go's syntax has for it, and +Inf, -Inf, NaN.
func float(f float64, bits int) string {
	if math.IsInf(f, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}

func elements(v reflect.Value, path []uintptr) string {
	var all []string
	for i := 0; i < v.Len(); i++ {
		all = append(all, text(v.Index(i), path))
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func pointer(v reflect.Value, path []uintptr) string {
	if v.IsNil() {
		return "nil"
	}
	for _, seen := range path {
		if seen == v.Pointer() {
			return "&…"
		}
	}
	return "&" + text(v.Elem(), append(path, v.Pointer()))
}

func dynamic(v reflect.Value, path []uintptr) string {
	inside := text(v, path)
	switch {
	case v.Kind() == reflect.Ptr && !v.IsNil(), strings.HasPrefix(inside, v.Type().String()):
		return inside
	}
	return v.Type().String() + "(" + inside + ")"
}

func entries(v reflect.Value, path []uintptr) string {
	if v.IsNil() {
		return "nil"
	}
	keys := v.MapKeys()
	sort.Slice(keys, func(i, j int) bool {
		a, b := keys[i], keys[j]
		switch a.Kind() {
		case reflect.Int:
			return a.Int() < b.Int()
		default:
			return text(a, path) < text(b, path)
		}
	})
	var all []string
	for _, key := range keys {
		all = append(all, text(key, path)+": "+text(v.MapIndex(key), path))
	}
	return v.Type().String() + "{" + strings.Join(all, ", ") + "}"
}

// instant reads a time.Time, also from a field that is not exported.
func instant(v reflect.Value) time.Time {
	if v.CanInterface() {
		return v.Interface().(time.Time)
	}
	wall, ext := v.Field(0).Uint(), v.Field(1).Int()
	seconds := ext
	if wall>>63 == 1 {
		// Seconds since 1885, and ext is the monotonic clock.
		seconds = int64(wall<<1>>31) + 59453308800
	}
	return time.Unix(seconds-62135596800, int64(wall&(1<<30-1)))
}

package main

import (
	"reflect"
	"runtime"
	"strconv"
)

// A tree is a value in pieces, for programs. What it has depends on its kind:
//
//	bool, int, uint, float, complex, duration, time, func: text, as in a value's text; of a duration also the number
//	string: bytes     bytes: bytes (a []byte)     slice, array, struct: parts     map: parts, a key and a value in turn
//	chan: length and capacity     pointer: address, and the one part that it points to     address (uintptr, unsafe.Pointer): address
//	interface: one part, of the dynamic type
//
// nil of any kind is just that. Behind deepest pointers there is no part.
type tree struct {
	Kind     string   `json:"kind"`
	Type     string   `json:"type"`
	Nil      bool     `json:"nil,omitempty"`
	Text     string   `json:"text,omitempty"`
	Number   string   `json:"number,omitempty"`
	Bytes    []int    `json:"bytes,omitempty"`
	Names    []string `json:"names,omitempty"`
	Parts    []tree   `json:"parts,omitempty"`
	Length   int      `json:"length,omitempty"`
	Capacity int      `json:"capacity,omitempty"`
	Address  string   `json:"address,omitempty"`
	// Size in bytes of a value of its type.
	Size int `json:"size"`
}

// deepest is the number of pointers that are followed, rings included.
const deepest = 6

func treeOf(v reflect.Value, depth int) tree {
	t := tree{Type: v.Type().String(), Size: int(v.Type().Size())}
	switch v.Type() {
	case durationType:
		t.Kind, t.Text, t.Number = "duration", text(v, nil), strconv.FormatInt(v.Int(), 10)
		return t
	case timeType:
		t.Kind, t.Text = "time", text(v, nil)
		return t
	}
	switch v.Kind() {
	case reflect.Bool:
		t.Kind, t.Text = "bool", text(v, nil)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		t.Kind, t.Text = "int", text(v, nil)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		t.Kind, t.Text = "uint", text(v, nil)
	case reflect.Uintptr:
		t.Kind, t.Address = "address", address(uintptr(v.Uint()))
	case reflect.UnsafePointer:
		t.Kind, t.Address = "address", address(v.Pointer())
	case reflect.Float32, reflect.Float64:
		t.Kind, t.Text = "float", text(v, nil)
	case reflect.Complex64, reflect.Complex128:
		t.Kind, t.Text = "complex", text(v, nil)
	case reflect.String:
		t.Kind, t.Bytes = "string", numbers8([]byte(v.String()))
	case reflect.Slice:
		t.Kind, t.Nil = "slice", v.IsNil()
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Type().Elem().PkgPath() == "" {
			t.Kind, t.Bytes = "bytes", numbers8(v.Bytes())
			break
		}
		t.elements(v, depth)
	case reflect.Array:
		t.Kind = "array"
		t.elements(v, depth)
	case reflect.Struct:
		t.Kind = "struct"
		for i := 0; i < v.NumField(); i++ {
			t.Names = append(t.Names, v.Type().Field(i).Name)
			t.Parts = append(t.Parts, treeOf(v.Field(i), depth))
		}
	case reflect.Ptr:
		t.Kind, t.Nil = "pointer", v.IsNil()
		if !t.Nil {
			t.Address = address(v.Pointer())
			if depth < deepest {
				t.Parts = []tree{treeOf(v.Elem(), depth+1)}
			}
		}
	case reflect.Interface:
		t.Kind, t.Nil = "interface", v.IsNil()
		if !t.Nil {
			t.Parts = []tree{treeOf(v.Elem(), depth)}
		}
	case reflect.Map:
		t.Kind, t.Nil, t.Length = "map", v.IsNil(), v.Len()
		for _, key := range v.MapKeys() {
			t.Parts = append(t.Parts, treeOf(key, depth), treeOf(v.MapIndex(key), depth))
		}
	case reflect.Chan:
		t.Kind, t.Nil, t.Length, t.Capacity = "chan", v.IsNil(), v.Len(), v.Cap()
	case reflect.Func:
		t.Kind, t.Nil = "func", v.IsNil()
		if !t.Nil {
			t.Text = runtime.FuncForPC(v.Pointer()).Name()
		}
	}
	return t
}

func (t *tree) elements(v reflect.Value, depth int) {
	t.Length = v.Len()
	for i := 0; i < v.Len(); i++ {
		t.Parts = append(t.Parts, treeOf(v.Index(i), depth))
	}
}

func address(p uintptr) string { return "0x" + strconv.FormatUint(uint64(p), 16) }

func numbers8(bytes []byte) []int {
	all := make([]int, len(bytes))
	for i, b := range bytes {
		all[i] = int(b)
	}
	return all
}

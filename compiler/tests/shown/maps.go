package main

import (
	"reflect"
	"strconv"
)

func fields(of any) (count int) {
	t := reflect.TypeOf(of)
	for i := 0; i < t.NumField(); i++ {
		if t.Field(i).Name != "_" {
			count++
		}
	}
	return count
}

type wide [200]byte

//go:noinline
func mapsOfNumbers(a, b, c map[string]int) {}

//go:noinline
func mapOfSlices(a map[int][]string) {}

//go:noinline
func mapOfStructs(a map[point]mixed, b map[code]struct{}) {}

//go:noinline
func mapOfLarge(a map[wide]wide) {}

//go:noinline
func mapOfReferences(a map[string]*point, b map[int]any) {}

//go:noinline
func largeMaps(a map[int]int, b map[string]string) {}

func maps() {
	tell("main.mapsOfNumbers", "args", mapsOfNumbers, of(map[string]int{"one": 1}, `a=map[string]int{"one": 1}`), of(map[string]int(nil), "b=nil"), of(map[string]int{}, "c=map[string]int{}"))
	tell("main.mapOfSlices", "args", mapOfSlices, of(map[int][]string{5: {"x", "y"}, 6: nil}, `a=map[int][]string{5: []string{"x", …+1}, 6: nil}`))
	tell("main.mapOfStructs", "args", mapOfStructs,
		of(map[point]mixed{{1, 2}: {small: 3, ratio: 0.5, name: "m"}}, `a=map[main.point]main.mixed{main.point{x: 1, y: 2}: main.mixed{small: 3, ratio: 0.5, flag: false, name: "m"}}`),
		of(map[code]struct{}{3: {}, 4: {}}, "b=map[main.code]struct {}{3: struct {}{}, 4: struct {}{}}"))
	tell("main.mapOfLarge", "args", mapOfLarge, of(map[wide]wide{{1}: {2}}, "a=map[main.wide]main.wide{main.wide{1, 0, 0, 0, …+196}: main.wide{2, 0, 0, 0, …+196}}"))
	tell("main.mapOfReferences", "args", mapOfReferences, of(map[string]*point{"p": {1, 2}}, `a=map[string]*main.point{"p": &main.point{x: 1, y: 2}}`),
		of(map[int]any{1: "v"}, `b=map[int]interface {}{1: string("v")}`))
	for i := 0; i < 4; i++ {
		numbers, texts := map[int]int{}, map[string]string{}
		for n := 0; n < 1000; n++ {
			numbers[n] = n * n
			texts[strconv.Itoa(n)] = strconv.Itoa(n * n)
		}
		tell("main.largeMaps", "args", largeMaps, of(numbers, "a=squares"), of(texts, "b=squares"))
	}
}

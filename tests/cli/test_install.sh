#!/bin/sh
# test_install.sh - the installed copy serves a C program: headers, library, pkg-config, examples/generate.c. labels: slow
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
make_data
"$zoe" train "$tiny" --out "$work/run" train.steps=3 --quiet
cmake --install "$(dirname "$zoe")" --prefix "$work/prefix" > "$work/install.log" ||
    { cat "$work/install.log"; fail "cmake --install"; }
pc=$(dirname "$(find "$work/prefix" -name zt.pc)")
lib=$(dirname "$pc")
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror examples/generate.c -o "$work/generate" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs zt) ||
    fail "examples/generate.c does not build against the installed copy"
LD_LIBRARY_PATH=$lib "$work/generate" "$work/run/model" "a red square moves left" "$work/out.mp4" 2> "$work/err" ||
    { cat "$work/err"; fail "the example does not run"; }
grep -aq "AI-generated" "$work/out.mp4" || fail "the example's file carries no label"
got=0
LD_LIBRARY_PATH=$lib "$work/generate" "$work/none" x "$work/o.mp4" 2> "$work/err" || got=$?
[ $got -eq 1 ] || fail "the example does not fail without a model"
grep -q "no such model" "$work/err" || fail "the example hides an error"
"$work/prefix/bin/zoe" --version > /dev/null || fail "the installed program does not start"
echo "installed copy: built and ran the example"

#!/bin/sh
# test_program.sh - the program itself: version, help, unknown commands, exit status. $1 is the zoe binary.
set -eu
zoe=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() { echo "FAILED: $*"; cat "$tmp/out" "$tmp/err"; exit 1; }
run() { # run STATUS ARGUMENT...: runs zoe, keeps its output, checks the exit status
    want=$1
    shift
    status=0
    "$zoe" "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
    [ "$status" = "$want" ] || fail "zoe $*: exit status $status, wanted $want"
}
out() { grep -q -e "$1" "$tmp/out" || fail "stdout lacks '$1'"; }
err() { grep -q -e "$1" "$tmp/err" || fail "stderr lacks '$1'"; }
silent() { [ ! -s "$tmp/$1" ] || fail "std$1 should be empty"; }

run 0 --version; out '^zoe [0-9]*\.[0-9]*\.[0-9]*$'; silent err
run 0 help; out '^  info '; silent err
run 0 --help; out '^  info '
run 2; err '^usage: zoe COMMAND'; silent out
run 2 inof; err "did you mean 'info'"; silent out
run 2 zzzzzzzzzzzz; err "'zoe help' lists"
run 2 help inof; err "did you mean 'info'"
run 2 ''; err 'there is no command'

run 0 info; out '^kernels'; silent err
run 0 info --json; out '"cpu_level"'; out '"outputs"'; silent err
run 2 info --jsno; err '^zoe info: .*json'; err 'Try: zoe info --help'; silent out
run 2 info surplus more; err 'too many'; silent out
run 1 info surplus; err 'no such model folder'; silent out

# Every command that is listed answers --help with its usage, by both ways, and refuses an unknown option.
"$zoe" help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' >"$tmp/commands"
[ "$(wc -l <"$tmp/commands")" -ge 1 ] || fail "no commands listed"
while read -r command; do
    run 0 "$command" --help; out "^usage: zoe $command"; silent err
    run 0 help "$command"; out "^usage: zoe $command"
    run 2 "$command" --no-such-option=1; err "^zoe $command: .*no-such-option"; silent out
done <"$tmp/commands"

# Output that cannot be written is not a success.
if [ -w /dev/full ]; then
    status=0
    "$zoe" info >/dev/full 2>"$tmp/err" || status=$?
    [ $status = 1 ] || fail "writing to a full device: exit status $status, wanted 1"
    err 'standard output'
    status=0
    "$zoe" info --json >/dev/full 2>"$tmp/err" || status=$?
    [ $status = 1 ] || fail "writing JSON to a full device: exit status $status, wanted 1"
fi

# The processor level can be lowered, and a wrong one is told.
ZT_CPU=base "$zoe" info --json >"$tmp/out" 2>"$tmp/err" || fail "ZT_CPU=base"
out '"cpu_level": "base"'
ZT_CPU=v9 "$zoe" info >"$tmp/out" 2>"$tmp/err" || fail "ZT_CPU=v9"
err 'ZT_CPU'
echo "program: all passed"

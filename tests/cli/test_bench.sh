#!/bin/sh
# test_bench.sh - zoe bench: every operation runs in both precisions, a model's step of each kind does, --only picks rows, and the
# JSON has the keys that scripts read. labels: slow
set -eu
zoe=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
count() { grep -c "$1" "$work/rows.json" || true; }
"$zoe" bench --only op/ --repeats 1 --json > "$work/rows.json"
ops=$(count '"name": "op/')
[ "$ops" -ge 100 ] || fail "$ops rows of operations; want 50 or more in two precisions"
[ "$(count '"name": "op/.*/bf16"')" -eq $((ops / 2)) ] || fail "not every operation has a bf16 row"
for key in ms gflop fraction_of_peak rss_mb gbytes fraction_of_roofline; do
    [ "$(count "\"$key\": [0-9]")" -ge "$ops" ] || fail "rows lack $key"
done
"$zoe" bench --only unet3d-demo/ --repeats 1 --json > "$work/rows.json"
for row in train/f32 train/bf16 sample/f32 sample/bf16; do
    [ "$(count "\"name\": \"unet3d-demo/$row\"")" -eq 1 ] || fail "there is no row unet3d-demo/$row"
done
[ "$(count '"name": "peak/')" -eq 3 ] || fail "the peaks are missing"
[ "$(count '"name"')" -eq 7 ] || fail "--only let other rows through"
! "$zoe" bench --only no-such-row > "$work/none" 2>&1 || fail "a row that is not there was found"
grep -q "no-such-row: no row has that in its name" "$work/none" || fail "nothing says that there is no such row"
echo "bench: rows and keys are there"

#!/bin/sh
# test_data.sh - zoe synth and zoe data as a user calls them: what they print, what they leave, how they fail.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
set=$work/set
"$zoe" synth --out "$set" --clips 40 --frames 8 --size 16 --seed 3 --json > "$work/synth.json" 2> "$work/err" || {
    cat "$work/err"
    fail "synth"
}
grep -q '"train": 36' "$work/synth.json" || fail "synth --json: $(cat "$work/synth.json")"
"$zoe" data stats "$set" --json > "$work/stats.json" || fail "data stats"
grep -q '"clips": 40' "$work/stats.json" || fail "data stats --json: $(cat "$work/stats.json")"
[ "$("$zoe" data ls "$set" --split val | wc -l)" = 2 ] || fail "data ls --split val does not list two clips"
"$zoe" data ls "$set" --num 1 | grep -q "8x16x16.* a .* moves " || fail "data ls shows no caption"
"$zoe" data show "$set" --num 3 -o "$work/sheet.png" > "$work/out" || fail "data show to .png"
"$zoe" data show "$set" --split test -o "$work/sheet.mp4" > "$work/out" || fail "data show to .mp4"
for file in sheet.png sheet.mp4; do [ -s "$work/$file" ] || fail "data show wrote no $file"; done
# Equal seeds give equal shards, another seed others.
"$zoe" synth --out "$work/again" --clips 40 --frames 8 --size 16 --seed 3 > "$work/out" 2>&1 || fail "synth again"
"$zoe" synth --out "$work/other" --clips 40 --frames 8 --size 16 --seed 4 > "$work/out" 2>&1 || fail "synth other"
cmp -s "$set/shards/train-00000.tar" "$work/again/shards/train-00000.tar" || fail "the same seed gave other clips"
! cmp -s "$set/shards/train-00000.tar" "$work/other/shards/train-00000.tar" || fail "another seed gave the same clips"
# The other worlds
for world in scene3d physics digits faces; do
    "$zoe" synth --world $world --out "$work/$world" --clips 8 --test 0.5 --frames 3 --size 32 > "$work/out" 2>&1 ||
        fail "synth --world $world"
    grep -q "clips/s" "$work/out" || fail "synth does not say how fast it was"
    "$zoe" data ls "$work/$world" --num 1 | grep -Eq "3x32x32.* (a|the) " || fail "data ls $world shows no caption"
    "$zoe" data show "$work/$world" -o "$work/$world.png" > "$work/out" || fail "data show $world"
    "$zoe" synth --help | grep -q "^  $world: " || fail "synth --help does not name $world"
done
# Wrong usage
expect 2 "want one of shapes" "$zoe" synth --world physic --out "$work/x" --clips 3
expect 2 "clips" "$zoe" synth --out "$work/x"
expect 2 "out" "$zoe" synth --clips 3
expect 2 "size" "$zoe" synth --out "$work/x" --clips 3 --size 4
expect 2 "hold-out" "$zoe" synth --out "$work/x" --clips 3 --hold-out 48
expect 2 "did you mean" "$zoe" synth --out "$work/x" --clips 3 --wrld shapes
expect 2 "not empty" "$zoe" synth --out "$set" --clips 3
expect 2 "did you mean stats" "$zoe" data stat "$set"
expect 2 "train, val, test" "$zoe" data ls "$set" --split dev
expect 2 "" "$zoe" data show "$set" -o "$work/sheet.xyz"
[ ! -e "$work/x" ] || fail "a refused synth left $work/x"
# Places that cannot be read or written, and damage
expect 1 "" "$zoe" synth --out /proc/x --clips 3
expect 1 "zoe synth" "$zoe" data stats "$work"
expect 1 "no such folder" "$zoe" data stats "$work/none"
head -c 20000 "$work/again/shards/train-00000.tar" > "$work/cut" && mv "$work/cut" "$work/again/shards/train-00000.tar"
expect 1 "train-00000.tar: truncated at offset" "$zoe" data stats "$work/again"
echo broken > "$work/other/catalog.db"
expect 1 "catalog.db" "$zoe" data ls "$work/other"

#!/bin/sh
# test_odd.sh - files at the edges and archives made to hurt, through the program: what can be used is, what cannot is listed with
# its reason, and the exit status is right. The files are written by tests/data/test_data_odd.c, which looks closer.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
"$(dirname "$zoe")/test_data_odd" --write "$work" > "$work/log" 2>&1 || fail "$(cat "$work/log")"
ingest() { "$zoe" ingest "$1" --out "$2" --size 32 --frames 2 --fps 8 --quiet; }
ingest "$work/files" "$work/set" > "$work/log" || fail "ingest: $(cat "$work/log")"
"$zoe" data ls "$work/set" --sources > "$work/list" || fail "data ls"
for name in 8k.mkv fast.mkv negative.flv 2x2.mkv changes.ts suffix.avi whole.mp4; do
    grep -q "^ok .*/$name" "$work/list" || fail "$name is not used: $(cat "$work/list")"
done
for name in cut.mp4 sound.mp4 zip.mp4; do
    grep -q "^dropped .*/$name: ..*" "$work/list" || fail "$name is not listed with a reason: $(cat "$work/list")"
    grep -q "  $work/files/$name: ..*" "$work/log" || fail "$name is not named at the end: $(cat "$work/log")"
done
"$zoe" data check "$work/set" > "$work/log" || fail "data check: $(cat "$work/log")"
expect 1 "no clip came out of 8 files" ingest "$work/claims" "$work/none"
[ "$(grep -c "^  $work/claims/a" "$work/out")" = 7 ] || fail "not every claim is listed: $(cat "$work/out")"
expect 1 "truncated" ingest "$work/tars/petabyte.tar" "$work/x"
expect 1 "truncated" ingest "$work/tars/claims.tar" "$work/x"
expect 1 "such archives are refused" ingest "$work/tars/escape.tar" "$work/x"
expect 1 "none of their videos is there" ingest "$work/tars/nested.tar" "$work/x"
[ ! -e "$work/x" ] || fail "a refused archive left $work/x"
[ ! -e "$work/../escape.mp4" ] || fail "an archive wrote outside of its folder"
for name in sparse link; do
    ingest "$work/tars/$name.tar" "$work/$name" > "$work/log" 2> "$work/err" || fail "$name.tar: $(cat "$work/err")"
done
# Tables and records that are damaged: the place is named, and nothing is made.
mkdir "$work/table" "$work/bair" "$work/bair/train"
cp "$work/files/whole.mp4" "$work/table/a.mp4"
printf 'path,text\na.mp4,5" nail\n' > "$work/table/meta.csv"
expect 1 "meta.csv:2: a quote inside a field" ingest "$work/table" "$work/x"
printf 'path,text\na.mp4,"five inches\n' > "$work/table/meta.csv"
expect 1 "meta.csv:2" ingest "$work/table" "$work/x"
printf '\5\0\0\0\0\0\0\0\1\2\3\4hello\1\2\3\4' > "$work/bair/train/traj_0_to_1.tfrecords"
expect 1 "check sum" "$zoe" ingest "$work/bair" --out "$work/y" --size 32 --frames 2 --fps 8 --layout bair --quiet
[ ! -e "$work/x" ] || fail "a damaged table left $work/x"
echo "odd files: used or listed, and nothing escapes"

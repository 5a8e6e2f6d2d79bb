#!/bin/sh
# test_layout.sh - export and published layouts as a user calls them: out, in again, what auto says, how wrong names fail.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
make_data
"$zoe" data export "$work/data" --out "$work/tars" --shard-mb 1 --json > "$work/export.json" 2> "$work/err" || {
    cat "$work/err"
    fail "data export"
}
grep -q '"clips": 40' "$work/export.json" || fail "data export --json: $(cat "$work/export.json")"
[ -s "$work/tars/train-000000.tar" ] || fail "no tar was written"
tar tf "$work/tars/val-000000.tar" | grep -q '\.mp4$' || fail "tar does not list a member .mp4"
"$zoe" data export "$work/data" --out "$work/files" --format folder --split val > "$work/out" 2> "$work/err" ||
    fail "data export to a folder"
[ "$(wc -l < "$work/files/metadata.jsonl")" -eq "$(find "$work/files" -name '*.mp4' | wc -l)" ] ||
    fail "metadata.jsonl has other lines"
expect 2 "is not empty" "$zoe" data export "$work/data" --out "$work/files"
expect 2 "train, val, test" "$zoe" data export "$work/data" --out "$work/none" --split dev
expect 1 "no such folder" "$zoe" data export "$work/gone" --out "$work/none"
# In again: auto says what it takes SRC for, --layout files looks at files alone.
"$zoe" ingest "$work/tars" --out "$work/again" --size 16 --frames 4 --fps 8 > "$work/out" 2> "$work/err" ||
    { cat "$work/err"; fail "ingest of tars"; }
grep -q "looks like layout webdataset" "$work/err" || fail "auto did not say what it found: $(cat "$work/err")"
"$zoe" data stats "$work/again" --json > "$work/stats.json"
"$zoe" data stats "$work/data" --json > "$work/before.json"
for split in train val test; do
    [ "$(grep "\"$split\":" "$work/stats.json")" = "$(grep "\"$split\":" "$work/before.json")" ] || fail "$split has other clips"
done
expect 1 "no clip" "$zoe" ingest "$work/tars" --out "$work/plain" --layout files
expect 2 "did you mean ucf101" "$zoe" ingest "$work/tars" --out "$work/none" --layout ucf10
expect 2 "reads one SRC" "$zoe" ingest "$work/tars" "$work/files" --out "$work/none" --layout webdataset
expect 1 "trainlist01.txt" "$zoe" ingest "$work/tars" --out "$work/none" --layout ucf101
printf '{"file_name": "gone.mp4"}\n' > "$work/files/metadata.jsonl"
expect 1 "none of their videos is there" "$zoe" ingest "$work/files" --out "$work/none"
[ ! -e "$work/none" ] || fail "a refused command left $work/none"
"$zoe" data bench "$work/data" --seconds 0.1 --augment --json > "$work/bench.json"
grep -q '"clips_per_s":' "$work/bench.json" || fail "data bench --json"

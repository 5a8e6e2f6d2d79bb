#!/bin/sh
# test_ingest.sh - zoe ingest as a user calls it: shapes, rules, wrong usage; killed 50 times, with any number of threads and on a
# disk that is full, it ends with the same bytes. labels: slow
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
. "$(dirname "$0")/ingest_videos.sh"
listing() { "$zoe" data ls "$1" --json && "$zoe" data ls "$1" --sources --json; }
same() { # same FOLDER WHAT: the data set equals the one that was made in one go
    for shard in "$work"/whole/shards/*; do cmp "$shard" "$1/shards/${shard##*/}" || fail "$2: ${shard##*/} differs"; done
    [ "$(find "$1/shards" -type f | wc -l)" = "$(find "$work/whole/shards" -type f | wc -l)" ] || fail "$2: other shards"
    listing "$work/whole" > "$work/want" && listing "$1" > "$work/got"
    cmp "$work/want" "$work/got" || fail "$2: the catalogue differs"
}
ingest "$work/whole" --threads 1 > "$work/log" || fail "ingest: $(cat "$work/log")"
"$zoe" data stats "$work/whole" > "$work/log" || fail "data stats"
"$zoe" data ls "$work/whole" --sources | grep -q "twin.mp4: duplicate of .*/5.mp4" || fail "the twin was not found"
"$zoe" data ls "$work/whole" --sources | grep -q "^dropped .*cut.mp4: " || fail "the damaged file is not listed"
ingest "$work/threads" --threads 5 > "$work/log" || fail "ingest --threads 5"
same "$work/threads" "five threads"

kills=0
tries=0
while [ $kills -lt 50 ] && [ $tries -lt 500 ]; do
    tries=$((tries + 1))
    # Not through the function: $! would be a shell around zoe, which would live on.
    # shellcheck disable=SC2086
    "$zoe" ingest "$work/videos" --out "$work/killed" $settings --quiet --threads 3 > "$work/log" 2>&1 &
    pid=$!
    sleep "$(awk -v k=$tries 'BEGIN { srand(k + 7); printf "%.3f", 0.01 + 0.4 * rand() * rand() }')"
    kill -9 $pid 2> "$work/err" && kills=$((kills + 1))
    wait $pid 2> "$work/err" || true
    if [ -s "$work/killed/catalog.db" ] && "$zoe" data ls "$work/killed" > "$work/log" 2>&1 &&
        [ "$("$zoe" data ls "$work/killed" --sources | wc -l)" = 15 ] && [ $kills -lt 50 ]; then
        same "$work/killed" "$kills kills"
        rm -rf "$work/killed"
    fi
done
[ $kills -eq 50 ] || fail "only $kills kills hit a running ingest"
ingest "$work/killed" > "$work/log" || fail "the run after the kills"
same "$work/killed" "50 kills"

# A full disk says so; with room again the same command completes the data set.
if [ "$(id -u)" -eq 0 ] && mkdir "$work/full" && mount -t tmpfs -o size=400k tmpfs "$work/full" 2> "$work/err"; then
    trap 'umount "$work/full" 2> /dev/null || true; rm -rf "$work"' EXIT
    got=0
    ingest "$work/full/set" > "$work/log" 2> "$work/err" || got=$?
    [ $got -eq 1 ] || fail "a full disk gave exit status $got"
    grep -q "free some space" "$work/err" || fail "a full disk is not named: $(cat "$work/err")"
    mount -o remount,size=64m "$work/full"
    ingest "$work/full/set" > "$work/log" || fail "the run after the full disk"
    same "$work/full/set" "after a full disk"
    umount "$work/full"
else
    echo "SKIPPED: full disk (needs root and tmpfs)"
fi

# Wrong usage
expect 2 "out" "$zoe" ingest "$work/videos"
expect 2 "size" "$zoe" ingest "$work/videos" --out "$work/x" --size 32y24
expect 2 "sides" "$zoe" ingest "$work/videos" --out "$work/x" --size 4
expect 2 "4n+1" "$zoe" ingest "$work/videos" --out "$work/x" --frames 16 --frame-rule 4n+1
expect 2 "growing\|larger" "$zoe" ingest "$work/videos" --out "$work/x" --frames 16,8
expect 2 "least and the most" "$zoe" ingest "$work/videos" --out "$work/x" --mode full
expect 2 "did you mean" "$zoe" ingest "$work/videos" --out "$work/x" --scene auto
expect 2 "other settings" ingest "$work/whole" --mode slide
expect 1 "nowhere" "$zoe" ingest "$work/nowhere" --out "$work/x"
[ ! -e "$work/x" ] || fail "a refused ingest left $work/x"

# Shots of a file
"$zoe" data scenes "$work/videos/1.mp4" --json > "$work/log" || fail "data scenes"
grep -q '"boundaries": \[' "$work/log" || fail "data scenes --json: $(cat "$work/log")"
expect 1 "not readable\|no video" "$zoe" data scenes "$0"
echo "ingest: the same bytes after 50 kills, with 1, 3 and 5 threads"

#!/bin/sh
# test_ingest_many.sh - several processes of zoe ingest on one data set: the same bytes as one process makes, also when any of
# them is killed at any moment, stopped, or finds the disk full; other settings are refused, other files wait. labels: slow
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
. "$(dirname "$0")/ingest_videos.sh"
start() { # start NUMBER FOLDER [OPTION...]: the same in the background; $! is zoe itself, not a shell around it that is killed
    log=$1 out=$2
    shift 2
    # shellcheck disable=SC2086
    "$zoe" ingest "$work/videos" --out "$out" $settings --quiet "$@" > "$work/out.$log" 2> "$work/err.$log" &
}
listing() { "$zoe" data ls "$1" --json && "$zoe" data ls "$1" --sources --json; }
same() { # same FOLDER WHAT: the data set equals the one that one process made, and nothing else is left in it
    for shard in "$work"/whole/shards/*; do cmp "$shard" "$1/shards/${shard##*/}" || fail "$2: ${shard##*/} differs"; done
    [ "$(find "$1" -type f | wc -l)" = "$(find "$work/whole" -type f | wc -l)" ] || fail "$2: other files: $(find "$1")"
    listing "$1" > "$work/got" || fail "$2: data ls"
    cmp "$work/want" "$work/got" || fail "$2: the catalogue differs"
    "$zoe" data check "$1" > "$work/log" 2>&1 || fail "$2: data check: $(cat "$work/log")"
}
together() { # together FOLDER NUMBER: so many processes at once; all end well
    pids=
    for k in $(seq "$2"); do
        start "$k" "$1" --threads $((k % 2 + 1)) --json
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid" || fail "$2 processes: one failed: $(cat "$work"/err.*)"; done
}
begun=$(date +%s%N)
ingest "$work/whole" --threads 1 > "$work/log" || fail "ingest: $(cat "$work/log")"
ended=$(date +%s%N)
moment() { # moment SEED: sleep for some part of the time that one process takes for all files
    sleep "$(awk -v k="$1" -v t=$((ended - begun)) 'BEGIN { srand(k); printf "%.3f", t / 1e9 * rand() }')"
}
listing "$work/whole" > "$work/want"
for n in 2 3 5; do
    together "$work/n$n" $n
    same "$work/n$n" "$n processes"
    [ "$(cat "$work"/out.* | grep -c '"wrote": true')" -ge 1 ] || fail "$n processes: none says that it wrote"
    rm -f "$work"/out.*
done
together "$work/n3" 3   # all is there: nothing is done twice
same "$work/n3" "3 processes once more"

# One of three is killed, whichever it is and whatever it is doing; the others complete the data set by themselves.
kills=0
tries=0
others=0
while [ $kills -lt 25 ] && [ $tries -lt 200 ]; do
    tries=$((tries + 1))
    rm -rf "$work/killed"
    pids=
    for k in 1 2 3; do
        start $k "$work/killed" --threads $((1 + (k + tries) % 2)) --json
        pids="$pids $!"
    done
    victim=$(echo "$pids" | awk -v k=$((1 + tries % 3)) '{ print $k }')
    moment $tries
    kill -9 "$victim" 2> "$work/err" && kills=$((kills + 1))
    for pid in $pids; do wait "$pid" 2> "$work/err" || [ "$pid" = "$victim" ] || fail "after a kill: $(cat "$work"/err.*)"; done
    if [ -e "$work/killed/.ingest" ]; then   # killed when it was the last one there: the next run takes the folder away
        [ "$(ls "$work/killed/.ingest")" = locks ] || fail "kill $kills left $(ls "$work/killed/.ingest")"
        together "$work/killed" 1
    fi
    same "$work/killed" "kill $kills"
    grep -q '"others": [1-9]' "$work"/out.* && others=$((others + 1))
done
[ $kills -eq 25 ] || fail "only $kills kills hit a running ingest"
[ $others -gt 5 ] || fail "others' files were written in $others of $tries runs only"

# All are killed, again and again; what waits in the folder is of use to the next.
rm -rf "$work/killed"
kept=0
waits() { [ -n "$(find "$work/killed/.ingest" -name '*.clips' 2> "$work/err")" ]; }
state() { grep -o '"run": *[0-9]*' "$work/killed/.ingest/locks" 2> "$work/err" || true; }
for k in $(seq 20); do
    told=$(state)
    start 1 "$work/killed" --threads 1
    pids=$!
    if [ $((k % 2)) -eq 0 ]; then   # the one that writes stands still, so that what the others make waits
        n=0
        until [ "$(state)" != "$told" ] || [ $n -ge 500 ]; do n=$((n + 1)); sleep 0.01; done
        kill -STOP $pids 2> "$work/err" || true
    fi
    for i in 2 3; do
        start $i "$work/killed" --threads 1
        pids="$pids $!"
    done
    if [ $((k % 2)) -eq 0 ]; then
        n=0
        until waits || [ $n -ge 100 ]; do n=$((n + 1)); sleep 0.01; done
    else
        moment "$k"
    fi
    # shellcheck disable=SC2086
    kill -9 $pids 2> "$work/err" || true
    for pid in $pids; do wait "$pid" 2> "$work/err" || true; done
    ! waits || kept=$((kept + 1))
    if [ $((k % 4)) -eq 0 ]; then
        # Bytes that rot while they wait are found out and decoded again.
        for f in "$work"/killed/.ingest/*.clips; do
            [ ! -e "$f" ] || printf 'rotten' | dd of="$f" bs=1 seek=5000 conv=notrunc 2> "$work/err"
        done
        together "$work/killed" 2
        same "$work/killed" "$k times all three"
        rm -rf "$work/killed"
    fi
done
[ $kept -gt 2 ] || fail "only $kept of 20 kills left clips that wait"


# Ctrl-C for the one that writes: the others go on. How files fall into shards then depends on the moment, the clips do not.
start 1 "$work/stopped" --threads 1
first=$!
start 2 "$work/stopped" --threads 1
second=$!
sleep 0.15
kill -INT $first 2> "$work/err" || true
wait $first || true
wait $second || fail "the other one after Ctrl-C: $(cat "$work/err.2")"
[ "$("$zoe" data ls "$work/stopped" --sources | wc -l)" = 15 ] || fail "Ctrl-C for one lost files"
"$zoe" data ls "$work/whole" --json > "$work/want.clips"
"$zoe" data ls "$work/stopped" --json > "$work/got"
[ "$(wc -l < "$work/got")" = "$(wc -l < "$work/want.clips")" ] || fail "Ctrl-C for one lost clips"

# Other settings while one is at work are refused, other files wait.
mkdir "$work/more"
cp "$work/videos/1.mp4" "$work/more/again.mp4"
"$zoe" synth --out "$work/s" --clips 9 --frames 40 --size 32 --seed 77 > "$work/log" 2>&1 || fail "synth"
"$zoe" data show "$work/s" --num 4 -o "$work/more/new.mp4" > "$work/log" || fail "data show"
start 1 "$work/mixed" --threads 1
first=$!
while [ ! -s "$work/mixed/catalog.db" ]; do sleep 0.01; done
got=124
while [ $got -eq 124 ]; do   # stopped just while it held the short lock of the state, it would keep all others waiting
    kill -STOP $first
    got=0
    # shellcheck disable=SC2086
    timeout 20 "$zoe" ingest "$work/videos" --out "$work/mixed" $settings --mode head > "$work/log" 2> "$work/err" || got=$?
    [ $got -ne 124 ] || kill -CONT $first
done
[ $got -eq 2 ] || fail "other settings: exit status $got"
grep -q "other settings" "$work/err" || fail "other settings: $(cat "$work/err")"
# shellcheck disable=SC2086
"$zoe" ingest "$work/more" --out "$work/mixed" $settings > "$work/out.2" 2> "$work/err.2" &
second=$!
sleep 0.5
grep -q "from other files" "$work/err.2" || fail "one with other files says: $(cat "$work/err.2")"
kill -CONT $first
wait $first || fail "mixed: $(cat "$work/err.1")"
wait $second || fail "mixed: $(cat "$work/err.2")"
[ "$("$zoe" data ls "$work/mixed" --sources | wc -l)" = 17 ] || fail "mixed: $("$zoe" data ls "$work/mixed" --sources)"
"$zoe" data ls "$work/mixed" --sources | grep -q "again.mp4: duplicate of .*/1.mp4" || fail "mixed: the twin was not found"

# A full disk ends all with the reason; with room again they complete it.
if [ "$(id -u)" -eq 0 ] && mkdir "$work/full" && mount -t tmpfs -o size=400k tmpfs "$work/full" 2> "$work/err"; then
    trap 'umount "$work/full" 2> /dev/null || true; rm -rf "$work"' EXIT
    for k in 1 2; do
        start $k "$work/full/set"
        eval "p$k=$!"
    done
    # shellcheck disable=SC2154
    for pid in $p1 $p2; do
        got=0
        wait "$pid" || got=$?
        [ $got -eq 1 ] || fail "a full disk gave exit status $got: $(cat "$work"/err.?)"
    done
    grep -q "free some space" "$work/err.1" || fail "a full disk is not named: $(cat "$work/err.1")"
    mount -o remount,size=64m "$work/full"
    together "$work/full/set" 2
    same "$work/full/set" "after a full disk"
    umount "$work/full"
else
    echo "SKIPPED: full disk (needs root and tmpfs)"
fi

if command -v mpirun > "$work/log" 2>&1; then
    # shellcheck disable=SC2086
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 3 "$zoe" ingest "$work/videos" --out \
        "$work/mpi" $settings > "$work/log" 2>&1 || fail "$(cat "$work/log")"
    same "$work/mpi" "mpirun -n 3"
else
    echo "SKIPPED: mpirun (not installed)"
fi
echo "ingest: the same bytes from 1, 2, 3 and 5 processes, after $kills kills of one of three and after 20 of all"

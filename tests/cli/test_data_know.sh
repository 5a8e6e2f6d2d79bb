#!/bin/sh
# test_data_know.sh - what a data set knows about its clips: score, tag, caption, filter, history, balance, audit.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
set=$work/set
"$zoe" synth --out "$set" --clips 30 --frames 8 --size 32 --seed 3 > "$work/out" 2>&1 || fail "synth"
run() { "$zoe" "$@" > "$work/out" 2> "$work/err" || { cat "$work/out" "$work/err"; fail "$*"; }; }
said() { grep -q -e "$1" "$work/out" || { cat "$work/out"; fail "'$1' is missing"; }; }
expect 2 "zoe data score" "$zoe" data filter "$set" --max-black 0.5
run data score "$set" --json
said '"scored": 30'
run data score "$set"
said "0 clips scored"
run data tag "$set" --rules
run data tag "$set" --set mood=calm --where "split = val"
run data tag "$set" --list
said "camera = still"
said "mood = calm"
run data ls "$set" --where "tag.mood = calm"
[ "$(wc -l < "$work/out")" = 2 ] || fail "ls --where: $(cat "$work/out")"
run data ls "$set" --where "motion > 0 and caption ~ circle" --json
run data caption "$set" --template "{tag.mood} clip: {caption}" --where "split = val"
run data ls "$set" --split val
said "calm clip: a "
run data history "$set" --undo
run data ls "$set" --split val
! grep -q "calm clip" "$work/out" || fail "undo did not take the captions back"
run data caption "$set" --find circle --replace disc
printf '{"key": "val-00000000", "caption": "from a table"}\n' > "$work/t.jsonl"
run data caption "$set" --import "$work/t.jsonl"
said "1 clips changed"
run data filter "$set" --min-motion 0.2 --duplicates 7 --dry-run
run data drop "$set" --where "id <= 3" --reason "not nice"
run data ls "$set" --dropped
said "drop: not nice"
run data restore "$set" --where "id = 2"
run data stats "$set" --json
said '"clips": 28'
run data balance "$set" --by tag.pace --target even
run data audit "$set" -o "$work/audit.html"
tr -d "\n" < "$work/audit.html" | grep -q "nobody.*</html>" || fail "the audit is not whole"
! grep -q "<script\|http" "$work/audit.html" || fail "the audit needs something from outside"
run data balance "$set" --clear
run data check "$set"
said "no fault"
# Wrong usage, and what is not there
expect 2 "did you mean motion" "$zoe" data ls "$set" --where "moton > 1"
expect 2 "which clips" "$zoe" data drop "$set"
expect 2 "what to drop" "$zoe" data filter "$set"
expect 2 "one of" "$zoe" data tag "$set"
expect 2 "NAME=VALUE" "$zoe" data tag "$set" --set mood
expect 2 "no clip has this value" "$zoe" data balance "$set" --by tag.pace --target purple=0.5
expect 2 "grouped by" "$zoe" data balance "$set" --by colour --target even
expect 1 "no such folder" "$zoe" data score "$work/none"
[ ! -e "$work/none" ] || fail "a data set was made where there was none"
printf 'x' | dd of="$set/shards/train-00000.tar" bs=1 seek=3000 conv=notrunc 2> /dev/null
expect 1 "its content has changed" "$zoe" data check "$set"

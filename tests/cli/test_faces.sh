#!/bin/sh
# test_faces.sh - zoe data faces as a user calls it: what it prints and writes down, wrong usage, and a synthetic set without
# faces on which a policy of blurred people then agrees.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
make_data
set=$work/data
expect 2 "one of --report" "$zoe" data faces "$set" --blur --drop
expect 2 "goes with --drop" "$zoe" data faces "$set" --erase
expect 2 "did you mean" "$zoe" data faces "$set" --blurr
expect 1 "" "$zoe" data faces "$work" --cascades "$work"
expect 1 "cannot" "$zoe" data faces "$set" --cascades "$work"
if [ ! -e /usr/share/opencv4/haarcascades/haarcascade_frontalface_alt2.xml ]; then
    echo "SKIPPED: the package opencv-data is not installed"
    exit 0
fi
expect 1 "no such folder" "$zoe" data faces "$work/none"
echo "people: blurred" > "$work/policy.yaml"
expect 1 "nobody looked for people" "$zoe" data rights "$set" --policy "$work/policy.yaml"
"$zoe" data faces "$set" --every 4 > "$work/out" || fail "data faces: $(cat "$work/out")"
grep -q "looked at 40 clips .* 0 have faces" "$work/out" || fail "data faces: $(cat "$work/out")"
"$zoe" data faces "$set" --every 4 --json > "$work/out" || fail "data faces --json"
grep -q '"known": 40' "$work/out" || fail "a second look looked again"
"$zoe" data rights "$set" --policy "$work/policy.yaml" > "$work/out" 2>&1 || fail "policy: $(cat "$work/out")"
"$zoe" data faces "$set" --list --json | grep -q '"action": "report"' || fail "data faces --list"

#!/bin/sh
# test_rights.sh - rights, consent and policy as a user meets them: licences are set and listed, training refuses what the policy
# refuses before its first step, and revoking a consent takes its clips out and names the runs that used them.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
make_data
set=$work/data
short="train.steps=2 train.checkpoint_every=2 train.val_every=2 train.sample_every=2"

# Rights
expect 2 "say which clips" "$zoe" data rights "$set" --set licence=CC-BY-4.0
expect 2 "did you mean licence" "$zoe" data rights "$set" --all --set licens=x
expect 2 "no usable clip" "$zoe" data rights "$set" --key 'none*' --set licence=CC-BY-4.0
expect 1 "no catalog.db" "$zoe" data rights "$work" --all --set licence=x
[ ! -e "$work/catalog.db" ] || fail "a folder without a data set was made one"
"$zoe" data rights "$set" --split train --key 'train-0000000*' --set licence=CC-BY-NC-4.0 holder='A. Author' \
    people=yes > "$work/out" || fail "data rights --set"
"$zoe" data rights "$set" --where "split = test and frames > 3" --set terms=none > "$work/out" || fail "data rights --where"
grep -q "^$("$zoe" data ls "$set" --split test | wc -l) clips" "$work/out" || fail "data rights --where: $(cat "$work/out")"
"$zoe" data rights "$set" --split val --set people=no > "$work/out" || fail "data rights --set people=no"
"$zoe" data rights "$set" --clips > "$work/out" || fail "data rights --clips"
n=$(grep -c 'CC-BY-NC-4.0 .*people seen .*A. Author' "$work/out") || fail "data rights lists no clip that was set"
"$zoe" data rights "$set" --json > "$work/out" || fail "data rights --json"
grep -q '"commercial": "no"' "$work/out" || fail "data rights --json: $(cat "$work/out")"

# A policy, asked and enforced
cat > "$work/policy.yaml" << END
commercial: true
people: consent
people_unknown: allow
consent_key: key.pub
END
"$zoe" data consent key "$work/key" > "$work/out" || fail "data consent key"
expect 1 "refuses $n of 40" "$zoe" data rights "$set" --policy "$work/policy.yaml"
# shellcheck disable=SC2086
expect 2 "its licence forbids commercial use" "$zoe" train "$tiny" --out "$work/run" data.policy="$work/policy.yaml" $short
[ ! -e "$work/run" ] || fail "a refused training left $work/run"
expect 2 "did you mean" "$zoe" train "$tiny" --out "$work/run" data.polcy="$work/policy.yaml"
"$zoe" data rights "$set" --all --set licence=CC-BY-4.0 > "$work/out" || fail "data rights --all"
expect 1 "gave no consent" "$zoe" data rights "$set" --policy "$work/policy.yaml"
# shellcheck disable=SC2086
"$zoe" train "$tiny" --out "$work/less" data.policy="$work/policy.yaml" $short 2> "$work/err" &&
    fail "trained without consent"
echo "violations: leave_out" >> "$work/policy.yaml"
# shellcheck disable=SC2086
"$zoe" train "$tiny" --out "$work/less" data.policy="$work/policy.yaml" $short > "$work/out" 2>&1 ||
    fail "leave_out: $(cat "$work/out")"
grep -q "\"clips\": $((40 - n))," "$work/less/data_used.json" ||
    fail "the run did not leave out $n clips: $(cat "$work/less/data_used.json")"
grep -q '"licence": "CC-BY-4.0"' "$work/less/data_used.json" || fail "no credits in data_used.json"

# Consent
expect 2 "did you mean" "$zoe" data consent lst "$set"
expect 2 "sign is missing" "$zoe" data consent add "$set" --all --subject anna
expect 2 "say what it covers" "$zoe" data consent add "$set" --subject anna --sign "$work/key"
expect 2 "cover it by key" "$zoe" data consent add "$set" --subject anna --sign "$work/key" --all
echo "signed on paper" > "$work/release.txt"
"$zoe" data consent add "$set" --subject anna --sign "$work/key" --key 'train-0000000*' --by-clip --scope training,commercial \
    --evidence "$work/release.txt" --expires 2999-12-31 > "$work/id" || fail "data consent add"
id=$(cat "$work/id")
"$zoe" data consent list "$set" --trust "$work/key.pub" > "$work/out" || fail "data consent list"
grep -q "valid .* anna: training,commercial" "$work/out" || fail "data consent list: $(cat "$work/out")"
sed '/violations/d' "$work/policy.yaml" > "$work/strict.yaml"
"$zoe" data rights "$set" --policy "$work/strict.yaml" > "$work/out" 2>&1 || fail "with consent: $(cat "$work/out")"
# shellcheck disable=SC2086
"$zoe" train "$tiny" --out "$work/runs/all" data.policy="$work/strict.yaml" $short > "$work/out" 2>&1 ||
    fail "train: $(cat "$work/out")"

# Revoked: the clips are dropped, and both ways find the run; one that used other clips is not named.
"$zoe" data consent revoke "$set" "$(printf %.8s "$id")" "$work/runs" --reason "asked to" > "$work/out" ||
    fail "data consent revoke"
grep -q "used by .*runs/all" "$work/out" || fail "revoke does not name the run: $(cat "$work/out")"
! grep -q "used by .*less" "$work/out" || fail "revoke names a run that did not use the clips: $(cat "$work/out")"
"$zoe" data stats "$set" --json | grep -q "\"clips\": $((40 - n))," || fail "revoked clips are still there"
# shellcheck disable=SC2086
"$zoe" train "$tiny" --out "$work/after" $short > "$work/out" 2>&1 || fail "train after revoking: $(cat "$work/out")"
grep -q "\"clips\": $((40 - n))," "$work/after/data_used.json" || fail "revoked clips were used"

# A data set that cannot be written: the run's own list is found by its folder.
mkdir "$work/moved" && mv "$work/runs/all" "$work/moved/all"
"$zoe" data consent revoke "$set" "$id" "$work/moved" --json > "$work/out" || fail "revoke again"
grep -q "moved/all" "$work/out" || fail "a run that was moved is not found: $(cat "$work/out")"
"$zoe" data consent revoke "$set" "$id" --erase > "$work/out" || fail "revoke --erase"
tar tf "$set"/shards/train-*.tar | grep -q '^train-0000000' && fail "erased pixels are still in the shard"
"$zoe" data stats "$set" > "$work/out" || fail "the data set is broken after --erase"

# A record that was changed is found out, and one that was taken away.
if command -v sqlite3 > /dev/null 2>&1; then
    sqlite3 "$set/catalog.db" "UPDATE consents SET record = replace(record, '2999', '3999')"
    expect 1 "not what was signed" "$zoe" data consent list "$set"
    "$zoe" data consent add "$set" --subject bob --sign "$work/key" --all --by-clip > "$work/out" || fail "another consent"
    sqlite3 "$set/catalog.db" "DELETE FROM consents WHERE id = '$id'"
    expect 1 "is gone that later ones were signed after ($(printf %.12s "$id"))" "$zoe" data consent list "$set"
fi

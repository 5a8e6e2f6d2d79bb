#!/bin/sh
# test_perceptual.sh - train.perceptual_weight as a user meets it: what to make first, plan, training, what the run keeps, resume
# with the same network and with another, sizes, kinds of models that do without.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
export OMP_NUM_THREADS=2
make_data
"$zoe" synth --out "$work/judged" --clips 60 --frames 6 --size 24 --hold-out 0 --val 0.1 --test 0 --seed 700003 2> "$work/log" ||
    fail "zoe synth: $(cat "$work/log")"
cat > "$work/judge.yaml" <<END
data: {path: $work/judged}
model: {name: judge-net, width: 8, features: 8}
classify: {labels: "shape,colour"}
train: {steps: 4, batch: 4, lr: 3e-3, warmup: 1, val_every: 4}
END
judge=$work/judge/model other=$work/other/model
"$zoe" train "$work/judge.yaml" --out "$work/judge" --quiet
"$zoe" train "$work/judge.yaml" --out "$work/other" --quiet seed=8
of() { "$zoe" train "$tiny" "$@" train.perceptual_weight=0.3; }
by() { of "$@" train.perceptual_net="$judge"; }
figure() { sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$2" | head -n 1; }

# ---- plan: looking at clips is work, and weights to hold but not to save
"$zoe" train "$tiny" --plan --json > "$work/without.json"
by --plan --json > "$work/with.json"
[ "$(figure params "$work/with.json")" = "$(figure params "$work/without.json")" ] || fail "plan: the network counts as trained"
[ "$(figure disk_bytes "$work/with.json")" = "$(figure disk_bytes "$work/without.json")" ] || fail "plan: the network is saved"
for key in flops_per_step peak_bytes; do
    [ "$(figure $key "$work/with.json")" -gt "$(figure $key "$work/without.json")" ] || fail "plan: no more $key"
done

# ---- a run: in the log, not in what is saved; the SHA-256 in its config
run=$work/run
before=$(cat "$judge"/* | cksum)
by --out "$run" --quiet train.steps=10 train.val_every=10 train.sample_every=10
grep -q '"perceptual_loss"' "$run/log.jsonl" || fail "the log lacks perceptual_loss"
hash=$(sha256sum "$judge/model.safetensors" | cut -d ' ' -f 1)
grep -q "perceptual_sha256: *[\"']*$hash" "$run/config.yaml" || fail "config.yaml lacks the hash $hash"
! grep -aq "perceptual" "$run/model/model.safetensors" "$run"/checkpoints/*/*.safetensors || fail "the network was saved"
[ "$before" = "$(cat "$judge"/* | cksum)" ] || fail "the network's folder was changed"
cp -r "$run" "$work/again"
rm -r "$work/again/checkpoints/step-00000010"
"$zoe" train --out "$work/again" --resume --quiet
cmp "$run/checkpoints/step-00000010/model.safetensors" "$work/again/checkpoints/step-00000010/model.safetensors" ||
    fail "resumed: other weights"
config=$(cksum < "$work/again/config.yaml")
expect 2 "another network than the run's: SHA-256" "$zoe" train --out "$work/again" --resume train.perceptual_net="$other"
[ "$config" = "$(cksum < "$work/again/config.yaml")" ] || fail "a refused resume changed config.yaml"
by --out "$work/parts" --quiet precision=f32 train.accumulate=2 train.temporal_weight=0.2 train.steps=2 train.val_every=2 \
    train.sample_every=2
grep -q '"perceptual_loss"' "$work/parts/log.jsonl" || fail "in parts: the log lacks perceptual_loss"
mkdir "$work/videos"
for clips in 2 4; do                                          # films that are wide, and square
    "$zoe" data show "$work/judged" --num $clips -o "$work/videos/$clips.mp4" > "$work/log" || fail "zoe data show"
done
"$zoe" ingest "$work/videos" --out "$work/shapes" --size 16x16,32x16 --frames 3 --fps 8 --scenes off --val 0 --quiet \
    > "$work/log" || fail "zoe ingest: $(cat "$work/log")"
by --out "$work/buckets" data.path="$work/shapes" data.buckets=auto train.steps=4 train.val_every=4 train.sample_every=4 \
    2> "$work/log" || fail "buckets: $(cat "$work/log")"
[ "$(grep -c "bucket 3x16x" "$work/log")" = 2 ] || fail "no two buckets: $(cat "$work/log")"

# ---- refused, with what to do
expect 2 "zoe train configs/judge-move-32.yaml --out judge" of --out "$work/x"
expect 2 "zoe train configs/judge-move-32.yaml --out judge" of --plan
expect 1 "train.perceptual_net: .*no such model folder" of --out "$work/x" train.perceptual_net="$work/nothing"
expect 2 "unet3d makes clips" of --out "$work/x" train.perceptual_net="$run/model"
expect 2 "judge/model: model judge-net: clips of 1x16x16" by --out "$work/x" data.frames=1
expect 2 "clips of 4x4x4" by --out "$work/x" data.curriculum_sides=4
expect 2 "want 0..1000" by --out "$work/x" train.perceptual_weight=-1
[ ! -e "$work/x" ] || fail "a refused run left $work/x"
cat > "$work/gan.yaml" <<END
data: {path: $work/data}
model: {name: mocogan, width: 4, content: 6, motion: 3}
train: {steps: 2, batch: 4, perceptual_weight: 1}
END
expect 2 "train.perceptual_weight is not an option of mocogan, which is adversarial: only denoisers" \
    "$zoe" train "$work/gan.yaml" --out "$work/x"
expect 2 "train.perceptual_weight is not an option of judge-net, which is a classifier" \
    "$zoe" train "$work/judge.yaml" --out "$work/x" train.perceptual_weight=1

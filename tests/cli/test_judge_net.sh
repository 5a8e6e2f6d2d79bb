#!/bin/sh
# test_judge_net.sh - a classifier as a user meets it: plan, train, resume, its own scores, second judge of a denoiser and of an
# adversarial model, refusals.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
export OMP_NUM_THREADS=2
synth() { "$zoe" synth --frames 10 --size 16 "$@" 2> "$work/log" || fail "zoe synth: $(cat "$work/log")"; }
synth --out "$work/data" --clips 240 --val 0.1 --test 0.5 --seed 2
synth --out "$work/judged" --clips 400 --hold-out 0 --val 0.1 --test 0.1 --seed 700002
judge=$work/judge.yaml
cat > "$judge" <<END
seed: 3
data: {path: $work/judged}
model: {name: judge-net, features: 12}
classify: {labels: "shape,colour,direction", spoilt: 0.2}
train: {steps: 200, batch: 16, lr: 3e-3, warmup: 5, ema: 0.95, checkpoint_every: 100, val_every: 50}
END
run=$work/judge m=$work/judge/model
last() { sed -n "s|.*\"$1\":\([-0-9.e]*\).*|\1|p" "$run/log.jsonl" | tail -n 1; }
first() { sed -n "s|.*\"$1\":\([-0-9.e]*\).*|\1|p" "$run/log.jsonl" | head -n 1; }
less() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x != "" && y != "" && x + 0 < y + 0) }' || fail "$3: $1 is not less than $2"; }

# ---- what it needs, training, going on
"$zoe" train "$judge" --plan > "$work/plan"
grep -q "judge-net" "$work/plan" || fail "plan: $(cat "$work/plan")"
grep -q "GFLOP per step of 16 clips" "$work/plan" || fail "plan: $(cat "$work/plan")"
"$zoe" train "$judge" --profile > "$work/profile"
grep -q "conv" "$work/profile" || fail "profile: $(cat "$work/profile")"
"$zoe" train "$judge" --out "$run" --quiet
for word in val_loss val_accuracy val_accuracy/shape val_accuracy/colour val_accuracy/direction grad_norm; do
    grep -q "\"$word\"" "$run/log.jsonl" || fail "the log lacks $word"
done
less "$(last loss)" "$(first loss)" "training loss"
less "$(last val_loss)" "$(first val_loss)" "validation loss"
less 0.5 "$(last val_accuracy/colour)" "a quarter is chance; validation accuracy of colours"
[ ! -e "$run/samples" ] || fail "samples of a model that makes no clips"
cp -r "$run" "$work/again"
rm -r "$work/again/checkpoints/step-00000200"
"$zoe" train --out "$work/again" --resume --quiet
for f in model ema optimizer; do
    cmp "$run/checkpoints/step-00000200/$f.safetensors" "$work/again/checkpoints/step-00000200/$f.safetensors" ||
        fail "resumed: other $f"
done
cmp "$run/log.jsonl" "$work/again/log.jsonl" || fail "resumed: another log"

# ---- its own scores
"$zoe" eval "$m" --data "$work/judged" --json > "$work/own.json"
for word in clean noisy right colour all_95 analytic agree held_out_all; do
    grep -q "\"$word\"" "$work/own.json" || fail "eval of a classifier lacks $word: $(cat "$work/own.json")"
done
grep -q '"clips": 40,' "$work/own.json" || fail "not all 40 clips: $(cat "$work/own.json")"
"$zoe" eval "$m" --data "$work/judged" --num 5 > "$work/own"
grep -q "^5 clips of the test split" "$work/own" || fail "not 5 clips: $(cat "$work/own")"
expect 2 "a classifier looks at clips" "$zoe" eval "$m" --data "$work/judged" --steps 3
expect 2 "a classifier looks at clips" "$zoe" eval "$m" --data "$work/judged" --judge-net "$m"
expect 2 "is a classifier" "$zoe" generate "$m" -o "$work/x.mp4"
"$zoe" info "$m" > "$work/info"
grep -q "judge-net, classifier: clip to labels" "$work/info" || fail "info: $(cat "$work/info")"

# ---- second judge
"$zoe" train "$tiny" --out "$work/denoiser" --quiet train.steps=2 train.val_every=2 train.sample_every=2
cat > "$work/gan.yaml" <<END
seed: 3
data: {path: $work/data}
model: {name: mocogan, width: 4, content: 6, motion: 3}
gan: {monitor_clips: 16}
train: {optimiser: adam, steps: 2, batch: 4, warmup: 0}
END
"$zoe" train "$work/gan.yaml" --out "$work/gan" --quiet
figure() { sed -n "s/^    \"$1\": \([-0-9.e]*\).*/\1/p" "$2"; }
# check_second FILE: what two steps of training made is nothing to two judges, and far from real clips.
check_second() {
    for word in accuracy_on_real valid_both valid_both_of_data frechet frechet_floor frechet_clips features hash; do
        grep -q "^    \"$word\"" "$1" || fail "judge_net lacks $word: $(cat "$1")"
    done
    [ "$(figure frechet_clips "$1")" = 60 ] || fail "60 clips a side: $(cat "$1")"
    less "$(figure valid_both "$1")" 0.01 "valid to both"
    less "$(figure frechet_floor "$1")" "$(figure frechet "$1")" "Frechet distance of real clips"
    less 0.1 "$(figure accuracy_on_real "$1")" "accuracy on real clips"
}
"$zoe" eval "$work/denoiser/model" --data "$work/data" --judge-net "$m" --num 120 --steps 2 --num-image 0 --num-predict 0 \
    --num-untrained 0 --json > "$work/second.json"
check_second "$work/second.json"
"$zoe" eval "$work/gan/model" --data "$work/data" --judge-net "$m" --num 60 --json > "$work/second.json"
check_second "$work/second.json"
"$zoe" eval "$work/gan/model" --data "$work/data" --judge-net "$m" --num 16 > "$work/second"
grep -q "16 clips a side for 12 features: distances are too large" "$work/second" || fail "no warning: $(cat "$work/second")"
"$zoe" eval "$work/gan/model" --data "$work/data" --num 16 --json > "$work/second.json"
! grep -q judge_net "$work/second.json" || fail "a second judge that nobody asked for"

# ---- refused, with what is possible
judged_by() { "$zoe" eval "$work/gan/model" --data "$work/data" --num 16 --judge-net "$@"; }
short() { "$zoe" train "$judge" --quiet train.steps=1 "$@"; }
short --out "$work/small" data.frames=8
short --out "$work/two" classify.labels=shape,colour
expect 2 "makes clips; a judge is a classifier" judged_by "$work/gan/model"
expect 2 "trained on clips of 8x16x16" judged_by "$work/small/model"
expect 2 "does not tell a clip's direction" judged_by "$work/two/model"
expect 1 "no such model folder" judged_by "$work/nothing"
"$zoe" eval "$work/two/model" --data "$work/judged" > "$work/own"
! grep -q "both agree" "$work/own" || fail "agreement of a judge that does not tell the direction: $(cat "$work/own")"
expect 2 "this classifier looks at 8x16x16" "$zoe" eval "$work/small/model" --data "$work/data"
cp -r "$m" "$work/damaged"
sed 's/"heads"/"hands"/' "$m/config.json" > "$work/damaged/config.json"
expect 1 "want heads, a list of 1..8" judged_by "$work/damaged"
no() { "$zoe" train "$judge" --out "$work/x" "$@"; }
expect 2 "classify.labels is not set" no classify.labels=
expect 2 "shape is there twice" no classify.labels=shape,colour,shape
expect 2 "no such label; it has" no classify.labels=shape,colr
expect 2 "all clips have the value shapes" no classify.labels=world
expect 2 "mirrors clips" no data.flip=true
expect 2 "one size; leave it out" no data.buckets=auto
expect 2 "sections are data, model, classify, train" no difusion_x.target=x0
expect 2 "train.sample_every" no train.sample_every=5
expect 2 "train.recompute" no train.recompute=true
[ ! -e "$work/x" ] || fail "a refused run left $work/x"

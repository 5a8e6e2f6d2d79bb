#!/bin/sh
# test_gan_frame.sh - an adversarial model that continues a given frame as a user meets it: train, resume, --image, refusals.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
export OMP_NUM_THREADS=2
"$zoe" synth --out "$work/data" --clips 60 --frames 8 --size 16 --val 0.1 --seed 2 2> "$work/log" ||
    fail "zoe synth: $(cat "$work/log")"
gan=$work/gan.yaml
cat > "$gan" <<END
seed: 3
data: {path: $work/data}
model: {name: vgan, width: 4, first_frame: true}
gan: {critic_steps: 2, monitor_clips: 16}
train: {optimiser: adam, lr: 1e-3, steps: 60, batch: 4, warmup: 0, clip: 0, ema: 0.9, checkpoint_every: 20, val_every: 20,
        sample_every: 60, keep: 3}
END
run=$work/run m=$work/run/model
"$zoe" train "$gan" --plan > "$work/plan"
"$zoe" train "$gan" --out "$run" 2> "$work/log"
grep -q "generate with: .* --image FILE" "$work/log" || fail "how to generate: $(tail -n 1 "$work/log")"
grep -q '"val_frechet"' "$run/log.jsonl" || fail "no validation"
! grep -q '"nearest_other":0[,}]' "$run/log.jsonl" || fail "several clips of one frame: $(cat "$run/log.jsonl")"
[ -s "$run/samples/step-00000060.png" ] || fail "no samples"
cp -r "$run" "$work/again"
rm -r "$work/again/checkpoints/step-00000060" "$work/again/checkpoints/step-00000040"
"$zoe" train --out "$work/again" --resume --quiet
for f in model ema optimizer layers; do
    cmp "$run/checkpoints/step-00000060/$f.safetensors" "$work/again/checkpoints/step-00000060/$f.safetensors" ||
        fail "resumed: other $f"
done
cmp "$m/model.safetensors" "$work/again/model/model.safetensors" || fail "resumed: another model"
"$zoe" synth --out "$work/noval" --clips 20 --frames 8 --size 16 --val 0 --test 0 --seed 4 2> "$work/log" ||
    fail "zoe synth: $(cat "$work/log")"
"$zoe" train "$gan" --out "$work/plain" --quiet data.path="$work/noval" train.steps=3     # frames of training clips

# ---- a clip of an image
gen() { "$zoe" generate "$m" --quiet "$@"; }
"$zoe" info "$m" > "$work/info"
grep -q "first frame to clip" "$work/info" || fail "info: $(cat "$work/info")"
"$zoe" generate "$work/plain/model" --image "$run/samples/step-00000060.png" --quiet -o "$work/a_%02d.png"
[ -e "$work/a_07.png" ] || fail "not 8 frames"
strings -n 3 "$work/a_00.png" > "$work/label"
grep -q "size=16x16 context_frames=1" "$work/label" || fail "the label lacks the frame: $(cat "$work/label")"
! grep -q "content_seed" "$work/label" || fail "the label tells of codes that are not there"
gen --image "$work/a_00.png" -o "$work/b_%02d.png"
gen --image "$work/a_00.png" -o "$work/c_%02d.png"
gen --image "$run/samples/step-00000060.png" -o "$work/d_%02d.png"
cmp "$work/b_07.png" "$work/c_07.png" || fail "one image, two clips"
for k in 00 07; do
    ! cmp -s "$work/b_$k.png" "$work/d_$k.png" || fail "another image: the same frame $k"
done
gen --image "$work/a_00.png" --video-frames 3 -o "$work/short_%02d.png"
if [ ! -e "$work/short_02.png" ] || [ -e "$work/short_03.png" ]; then fail "not 3 frames"; fi
gen --image "$work/a_00.png" -o "$work/whole.mp4"
gen --video "$work/whole.mp4" --context 1 -o "$work/on.mp4"

# ---- refused, with what is possible
with() { gen --image "$work/a_00.png" -o "$work/x.mp4" "$@"; }
expect 2 "image: this vgan makes a clip that begins with a given frame" gen -o "$work/x.mp4"
expect 2 "context: 4 frames" gen --video "$work/whole.mp4" -o "$work/x.mp4"
expect 2 "num=2: all clips would be the same" with --num 2
expect 2 "content_seed: this vgan draws no codes" with --content-seed 3
expect 2 "motion_seed: this vgan draws no codes" with --motion-seed 3
expect 2 "interpolate: this vgan draws no codes" with --interpolate 1:2:3
expect 2 "steps: vgan is an adversarial model: it makes clips in one pass, of a first frame" with --steps 8
expect 2 "trained without categories" with --category left
expect 1 "$work/gan.yaml" gen --image "$work/gan.yaml" -o "$work/x.mp4"
expect 1 "$work/none.png" gen --image "$work/none.png" -o "$work/x.mp4"
expect 2 "has no codes" "$zoe" eval "$m" --data "$work/data"
"$zoe" train "$gan" --out "$work/coded" --quiet model.first_frame=false train.steps=2
expect 2 "context (image, video): vgan is an adversarial" "$zoe" generate "$work/coded/model" \
    --image "$work/a_00.png" -o "$work/x.mp4"
[ ! -e "$work/x.mp4" ] || fail "a refused request wrote a file"

#!/bin/sh
# test_gan.sh - an adversarial model as a user meets it: plan, train, resume, generate by codes, score, refusals.
# shellcheck disable=SC1091,SC2154,SC2012
. "$(dirname "$0")/tiny.sh"
export OMP_NUM_THREADS=2
"$zoe" synth --out "$work/data" --clips 60 --frames 10 --size 16 --val 0.1 --test 0.2 --seed 2 2> "$work/log" ||
    fail "zoe synth: $(cat "$work/log")"
gan=$work/gan.yaml
cat > "$gan" <<END
seed: 3
data: {path: $work/data}
model: {name: mocogan, width: 4, content: 6, motion: 3}
gan: {categories: labelled, label: direction, penalty: r1, penalty_weight: 1, penalty_every: 2, augment_shift: true, noise: 0.1,
      noise_part: 0.5, monitor_clips: 16, critic_steps: 2}
train: {optimiser: adam, steps: 12, batch: 4, warmup: 0, clip: 0, checkpoint_every: 4, val_every: 6, sample_every: 12, keep: 3}
END
run=$work/run m=$work/run/model

# ---- what it needs, training, going on
"$zoe" train "$gan" --plan > "$work/plan"
grep -q "mocogan" "$work/plan" || fail "plan: $(cat "$work/plan")"
grep -q "GFLOP per step of 4 clips" "$work/plan" || fail "plan: $(cat "$work/plan")"
"$zoe" train "$gan" --profile > "$work/profile"
[ "$(grep -c '^step of the' "$work/profile")" = 3 ] || fail "the profile shows not all three graphs"
"$zoe" train "$gan" --out "$run" --quiet
for word in generator_loss critic_loss critic_right_on_real critic_right_on_made generator_grad_norm critic_grad_norm penalty \
    val_frechet nearest_other entropy_direction; do
    grep -q "\"$word\"" "$run/log.jsonl" || fail "the log lacks $word"
done
[ -s "$run/checkpoints/step-00000008/layers.safetensors" ] || fail "no states of layers in the checkpoint"
[ -s "$run/samples/step-00000012.png" ] || fail "no samples"
[ ! -e "$m/tokenizer.json" ] || fail "a tokenizer of a model without text"
cp -r "$run" "$work/again"
rm -r "$work/again/checkpoints/step-00000012"
"$zoe" train --out "$work/again" --resume --quiet
for f in model ema optimizer layers; do
    cmp "$run/checkpoints/step-00000012/$f.safetensors" "$work/again/checkpoints/step-00000012/$f.safetensors" ||
        fail "resumed: other $f"
done

# ---- clips of codes
gen() { "$zoe" generate "$m" --quiet "$@"; }
"$zoe" info "$m" > "$work/info"
grep -q "down, left, right, up" "$work/info" || fail "info: $(cat "$work/info")"
gen --content-seed 5 --motion-seed 7 --video-frames 23 -o "$work/long_%02d.png"
gen --content-seed 5 --motion-seed 7 -o "$work/usual_%02d.png"
[ -e "$work/long_22.png" ] || fail "no roll-out to 23 frames"
gen --content-seed 5 --motion-seed 7 --video-frames 4 -o "$work/short_%02d.png"
if [ ! -e "$work/short_03.png" ] || [ -e "$work/short_04.png" ]; then fail "not 4 frames"; fi
strings -n 3 "$work/usual_00.png" | grep -q "content_seed=5 motion_seed=7 category=" || fail "the label lacks the codes"
gen --content-seed 5 --motion-seed 8 -o "$work/moved_%02d.png"
! cmp -s "$work/usual_05.png" "$work/moved_05.png" || fail "another motion seed: the same clip"
gen --content-seed 2 --num 3 --category left --grid -o "$work/grid.mp4"
gen --interpolate 2:9:5 --grid --columns 5 -o "$work/walk.gif"
gen --num 2 -o - > "$work/pipe.y4m"
head -c 60 "$work/pipe.y4m" | head -n 1 | grep -q "^YUV4MPEG2 W16 H16 F8:1 .*XAI-GENERATED" || fail "no Y4M on standard output"
[ "$(grep -ac '^FRAME$' "$work/pipe.y4m")" -ge 1 ] || fail "no frames"
[ "$(wc -c < "$work/pipe.y4m")" -gt $((20 * 16 * 16 * 3)) ] || fail "not 20 frames in the pipe"
expect 2 "steps: mocogan is an adversarial" gen --steps 32 -o "$work/x.mp4"
expect 2 "cfg_scale" gen --cfg-scale 2 -o "$work/x.mp4"
expect 2 "sampler" gen --sampler ddim -o "$work/x.mp4"
expect 2 "prompt" gen -p "a red square" -o "$work/x.mp4"
expect 2 "down, left, right, up" gen --category sideways -o "$work/x.mp4"
expect 2 "would be the same" gen --content-seed 1 --motion-seed 1 --num 2 -o "$work/x.mp4"
expect 2 "A:B:N" gen --interpolate 1:2 -o "$work/x.mp4"
[ ! -e "$work/x.mp4" ] || fail "a refused request wrote a file"
"$zoe" eval "$m" --data "$work/data" --num 16 --json > "$work/eval.json"
for word in content_agreement motion_agreement rollout_valid valid_of_data entropy_of_data; do
    grep -q "\"$word\"" "$work/eval.json" || fail "eval lacks $word: $(cat "$work/eval.json")"
done
expect 2 "--steps" "$zoe" eval "$m" --data "$work/data" --steps 3

# ---- a generator of several parts, of one length
sed -e 's/^model:.*/model: {name: vgan, width: 4}/' -e '/^      noise_part/d' \
    -e 's/^gan:.*/gan: {loss: nonsaturating}/' "$gan" > "$work/vgan.yaml"
"$zoe" train "$work/vgan.yaml" --out "$work/vgan" --quiet data.frames=8 train.steps=3
"$zoe" eval "$work/vgan/model" --data "$work/data" --num 16 > "$work/eval.txt"              # of longer clips the first frames
"$zoe" synth --out "$work/eight" --clips 60 --frames 8 --size 16 --val 0.1 --test 0.2 --seed 2 2> "$work/log" || fail "synth"
expect 2 "want clips of that size, or longer" "$zoe" eval "$m" --data "$work/eight" --num 16
"$zoe" eval "$work/vgan/model" --data "$work/eight" --num 16 --json > "$work/eval.json"
for word in warp_error_of_data content_distance_of_data mask_iou mask_part background_change; do
    grep -q "\"$word\"" "$work/eval.json" || fail "eval of vgan lacks $word: $(cat "$work/eval.json")"
done
! grep -q "rollout\|flow_error" "$work/eval.json" || fail "eval of vgan: $(cat "$work/eval.json")"
"$zoe" synth --world physics --out "$work/balls" --clips 60 --frames 8 --size 16 --test 0.3 2> "$work/log" || fail "synth"
"$zoe" eval "$work/vgan/model" --data "$work/balls" --num 16 --json > "$work/eval.json"     # which no judge reads
for word in frechet frechet_floor frechet_untrained frechet_noise warp_error nearest_other_of_data; do
    grep -q "\"$word\": *[0-9]" "$work/eval.json" || fail "eval on another world lacks $word: $(cat "$work/eval.json")"
done
! grep -q "valid\|content\|mask" "$work/eval.json" || fail "judged what no judge reads: $(cat "$work/eval.json")"
far() { sed -n "s/.*\"$1\": *\([0-9.e-]*\).*/\1/p" "$work/eval.json"; }
awk "BEGIN { exit !($(far frechet_floor) < $(far frechet_noise) && $(far frechet_untrained) > 0) }" ||
    fail "distances: $(cat "$work/eval.json")"
expect 2 "vgan makes 8" "$zoe" generate "$work/vgan/model" --video-frames 16 -o "$work/x.mp4"

# ---- a few frames of each clip, at any times
sed -e '/^      noise_part/d' -e 's/^gan:.*/gan: {sparse_frames: 3, penalty: r1, penalty_every: 2}/' \
    -e 's/^model:.*/model: {name: stylegan-v, width: 8, base: 64, latent: 8, layers: 4, margin: 2, motion_latent: 4,\
        motion_kernel: 2, time_features: 4, longest_period: 64, critic_join: 8}/' "$gan" > "$work/style.yaml"
"$zoe" train "$work/style.yaml" --out "$work/style" --quiet train.steps=3
"$zoe" generate "$work/style/model" --video-frames 12 -o "$work/x.mp4"
style() { "$zoe" generate "$work/style/model" --precision f32 --content-seed 4 --motion-seed 5 -o - "$@" 2> "$work/log"; }
style > "$work/plain"
for how in "--truncation 0" "--mix-styles 7:2-5"; do
    # shellcheck disable=SC2086
    style $how > "$work/styled"
    ! cmp -s "$work/plain" "$work/styled" || fail "$how changes nothing"
done
style --mix-styles 4:0-6 > "$work/styled"   # its own styles
changed=$(cmp -l "$work/plain" "$work/styled" | wc -l)                      # by rounding: mean + (w - mean)
[ $((changed * 20)) -lt "$(wc -c < "$work/plain")" ] || fail "with its own styles a clip is another: $changed bytes differ"
expect 2 "this model has 6 layers" "$zoe" generate "$work/style/model" --mix-styles 7:2-7 -o "$work/x.mp4"
expect 2 "want SEED:FROM-TO" "$zoe" generate "$work/style/model" --mix-styles 7:2 -o "$work/x.mp4"
expect 2 "have no styles" "$zoe" generate "$work/vgan/model" --truncation 0.5 -o "$work/x.mp4"
"$zoe" eval "$work/style/model" --data "$work/data" --num 16 --json > "$work/eval.json"
grep -q '"eq_t_db"' "$work/eval.json" || fail "eval of stylegan-v lacks eq_t_db: $(cat "$work/eval.json")"
expect 2 "clips of 10 frames; want at most that" "$zoe" train "$work/style.yaml" --out "$work/x" gan.sparse_frames=11

# ---- model/ holds the newest generator that shows no collapse, best/ that of the smallest distance
wild="{optimiser: adam, steps: 2, batch: 4, warmup: 0, clip: 0, val_every: 1, sample_every: 12, lr: 1, min_lr: 1, ema: 0.1}"
sed -e 's/width: 8, base: 64/width: 32, base: 512/' -e "s/^train:.*/train: $wild/" "$work/style.yaml" > "$work/wild.yaml"
"$zoe" train "$work/wild.yaml" --out "$work/wild" --quiet 2> "$work/log"
kept=$(sed -n 's/.*"step":\([0-9]*\),"val_frechet":\([0-9.e+-]*\),.*"collapse":\([01]\).*/\1 \2 \3/p' "$work/wild/log.jsonl" |
    awk 'NR == 1 || $2 < best { best = $2; kept = $1 } $3 == 0 { kept = $1 } END { print kept }')
"$zoe" train "$work/wild.yaml" --out "$work/short" --quiet train.steps="$kept" 2> "$work/log"
cmp "$work/wild/model/model.safetensors" "$work/short/model/model.safetensors" || fail "model/ is not of step $kept"

# ---- refused, with what is possible
no() { "$zoe" train "$gan" --out "$work/x" "$@"; }
expect 2 "the data set has" no train.batch=60
expect 2 "want 2 or more" no train.batch=1
expect 2 "no such label; it has" no gan.label=colr
expect 2 "gan.label is not set" no gan.label=
expect 2 "mocogan makes frames that follow each other" no gan.sparse_frames=3
expect 2 "mirrors clips" no data.flip=true
expect 2 "clips of 10 frames or more" no data.frames=8
expect 2 "square clips" no data.height=12
expect 2 "critics must be held" no gan.loss=wgan gan.penalty=none
expect 2 "sections are data, model, gan, train" no difusion_x.target=x0
expect 2 "train.text_drop" no train.text_drop=0.2
sed 's/^model:.*/model: {name: tgan, width: 16}/' "$gan" > "$work/tgan.yaml"
expect 2 "tgan has no code for a category" "$zoe" train "$work/tgan.yaml" --out "$work/x" data.frames=8
[ ! -e "$work/x" ] || fail "a refused run left $work/x"
expect 1 "told every clip apart" "$zoe" train "$gan" --out "$work/perfect" --quiet gan.critic_limit=1 gan.critic_lr=1e-2 \
    train.lr=0 train.steps=300 gan.noise=0 train.val_every=300
expect 1 "mode collapse" "$zoe" train "$gan" --out "$work/same" --quiet gan.stop_on_collapse=true train.lr=0 gan.critic_lr=1e-4 \
    train.val_every=2
[ -d "$work/same/best" ] || fail "no best checkpoint beside a stopped run"
for loss in lsgan hinge relativistic; do
    "$zoe" train "$gan" --out "$work/$loss" --quiet gan.loss=$loss train.steps=3 gan.categories=found gan.classes=3
done
"$zoe" train "$gan" --out "$work/svc" --quiet gan.loss=wgan gan.bound=svc gan.penalty=none train.optimiser=rmsprop train.steps=3
"$zoe" train "$gan" --out "$work/clip" --quiet gan.loss=wgan gan.bound=clip gan.penalty=none train.optimiser=rmsprop train.steps=3
"$zoe" train "$gan" --out "$work/gp" --quiet gan.loss=wgan gan.penalty=gp model.critic_norm=none train.steps=3 gan.categories=none
"$zoe" train "$gan" --out "$work/spectral" --quiet model.critic_norm=spectral train.steps=3 gan.augment_cutout=true \
    gan.augment_colour=true

#!/bin/sh
# test_train_generate.sh - the whole path on a tiny model: plan, train, event file, samples,
# generate in every format, labels, Ctrl-C.
# shellcheck disable=SC1091,SC2154,SC2012
. "$(dirname "$0")/tiny.sh"
make_data
"$zoe" train "$tiny" --plan | grep -q "GFLOP per step" || fail "--plan says nothing of the work"
[ ! -e "$work/run" ] || fail "--plan left something behind"
"$zoe" train "$tiny" --out "$work/run" --json > "$work/result.json"
grep -q '"step": 60' "$work/result.json" || fail "the result lacks its steps"
for f in config.yaml log.jsonl samples/step-00000060.png samples/step-00000060.mp4 model/config.json model/model.safetensors \
    model/tokenizer.json best/state.json checkpoints/step-00000060/state.json; do
    [ -s "$work/run/$f" ] || fail "the run lacks $f"
done
ls "$work"/run/events.out.tfevents.* > /dev/null || fail "no TensorBoard file"
[ "$(ls "$work/run/checkpoints" | wc -l)" -eq 2 ] || fail "train.keep=2 did not keep 2 checkpoints"
expect 2 "holds a run already" "$zoe" train "$tiny" --out "$work/run"
# Short and small clips first; the model is of the full size.
"$zoe" train "$tiny" --out "$work/stages" data.curriculum_frames=2 data.curriculum_sides=8 train.steps=8 train.val_every=8 \
    2> "$work/err" || { cat "$work/err"; fail "a curriculum"; }
grep -q "step 4: clips of 4 frames of 16x16 from here" "$work/err" || { cat "$work/err"; fail "no second stage"; }
grep -q '"frames": 4' "$work/stages/model/config.json" || fail "the model of a curriculum has another size"
expect 2 "larger than the clips of the run" "$zoe" train "$tiny" --out "$work/none" data.curriculum_frames=9
# The temporal loss: in the log, not in the validation loss; it needs frames to compare.
"$zoe" train "$tiny" --out "$work/steady" train.temporal_weight=0.5 train.steps=4 train.val_every=4 --quiet
grep -q '"temporal_loss"' "$work/steady/log.jsonl" || fail "the log lacks temporal_loss"
! grep -q '"temporal_loss"' "$work/run/log.jsonl" || fail "temporal_loss in the log of a run without it"
expect 2 "compares the frames of a clip" "$zoe" train "$tiny" --out "$work/none" train.temporal_weight=0.5 data.frames=1
# Generation: same seed, same bytes; every format; known frames.
gen="$zoe generate $work/run/model --steps 2 --quiet"
$gen -p "a red square moves left" -o "$work/a.mp4"
$gen -p "a red square moves left" -o "$work/b.mp4"
cmp "$work/a.mp4" "$work/b.mp4" || fail "same seed, other file"
$gen -p "a red square moves left" --seed 2 -o "$work/b.mp4"
! cmp -s "$work/a.mp4" "$work/b.mp4" || fail "another seed, same file"
for text in "AI-generated" "a red square moves left" trainedAlgorithmicMedia model_hash; do
    grep -aq "$text" "$work/a.mp4" || fail "a.mp4 lacks the label '$text'"
done
# Precision: what was used is in the label; bf16 is refused where the processor does not have it.
$gen -p "a red square moves left" --precision f32 -o "$work/f32.mp4"
grep -aq "precision=f32" "$work/f32.mp4" || fail "f32.mp4 does not say precision=f32"
"$zoe" info --json > "$work/info.json"
if grep -q '"bf16": true' "$work/info.json"; then used=bf16; else used=f32; fi
grep -aq "precision=$used" "$work/a.mp4" || fail "a.mp4 does not say precision=$used"
ZT_CPU=v3 "$zoe" generate "$work/run/model" --steps 2 --quiet -p "a red square moves left" -o "$work/v3.mp4"
grep -aq "precision=f32" "$work/v3.mp4" || fail "v3.mp4 does not say precision=f32"
expect 2 "does not multiply in bf16" env ZT_CPU=v3 "$zoe" generate "$work/run/model" --precision bf16 -o "$work/g.mp4"
$gen -p "a blue circle moves up" -o "$work/c.gif"
$gen -p "a blue circle moves up" --num 2 -o "$work/d_%04d.png"
[ -s "$work/d-2_0003.png" ] || fail "numbered frames of the second clip are missing"
$gen -p "" --image "$work/d-1_0000.png" -o "$work/e.mp4"
$gen --video "$work/a.mp4" --context 2 --video-frames 6 --sampler dpm++2m --cfg-scale 1 -o "$work/f.mp4"
# The judge knows one world.
"$zoe" synth --world digits --out "$work/digits" --clips 8 --test 0.5 --frames 4 --size 16 > "$work/synth.log" 2>&1
expect 2 "its world is digits" "$zoe" eval "$work/run/model" --data "$work/digits"
# Ctrl-C saves and says how to go on: between steps, and while samples are made (here all the time).
for every in 100000 1; do
    "$zoe" train "$tiny" --out "$work/stop-$every" train.steps=100000 train.sample_every=$every train.checkpoint_every=100000 \
        --quiet 2> "$work/err" &
    pid=$!
    for tick in $(seq 600); do
        [ ! -s "$work/stop-$every/log.jsonl" ] || break
        sleep 0.1
    done
    [ -s "$work/stop-$every/log.jsonl" ] || fail "no step after ${tick}00 ms"
    kill -INT $pid
    got=0
    wait $pid || got=$?
    [ $got -eq 1 ] || fail "exit status $got after Ctrl-C, want 1"
    grep -q -- "--resume" "$work/err" || fail "Ctrl-C does not say how to resume: $(cat "$work/err")"
    ls -d "$work/stop-$every"/checkpoints/step-* > /dev/null || fail "Ctrl-C saved no checkpoint"
done
# Early stopping: a learning rate of 0 never improves.
"$zoe" train "$tiny" --out "$work/early" --json train.lr=0 train.ema=0 train.patience=1 train.steps=1000 f32_scopes=text \
    > "$work/result.json"
grep -q '"early_stop": true' "$work/result.json" || fail "patience did not stop the run"
grep -q '"f32_scopes": "text"' "$work/early/model/config.json" || fail "the model does not know its f32_scopes"
echo "train and generate: whole path passed"

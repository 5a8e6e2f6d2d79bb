#!/bin/sh
# precision.sh - bf16 against f32: both models trained alike from the same seed, 600 steps each way; the validation loss
# of bf16 may be at most 2 % above that of f32.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc

# loss CONFIG PRECISION: validation loss after 600 steps; the run's JSON stays in $work/CONFIG-PRECISION.json.
loss() {
    name=$(basename "$1" .yaml)-$2
    "$ZOE" train "$1" --out "$work/$name" --json data.path="$work/data" precision="$2" train.steps=600 train.val_every=600 \
        train.val_batches=16 train.sample_every=100000 train.checkpoint_every=100000 > "$work/$name.json"
    figure "$work/$name.json" "" best_val_loss
}

make_world
pass=true
printf '{"name": "precision", "seed": 1, "steps": 600, "threshold": 0.02'
for config in configs/vdit-shapes-32.yaml configs/unet3d-shapes-32.yaml; do
    model=$(basename "$config" -shapes-32.yaml)
    f32=$(loss "$config" f32)
    bf16=$(loss "$config" bf16)
    off=$(awk -v a="$f32" -v b="$bf16" 'BEGIN { print (b - a) / a }')
    at_least 0.02 "$off" || pass=false
    printf ', "%s_f32": %s, "%s_bf16": %s, "%s_off": %s' "$model" "$f32" "$model" "$bf16" "$model" "$off"
    printf ', "%s_clips_per_s": [%s, %s]' "$model" "$(figure "$work/${model}-shapes-32-f32.json" "" clips_per_s)" \
        "$(figure "$work/${model}-shapes-32-bf16.json" "" clips_per_s)"
done
printf ', "pass": %s}\n' "$pass"
[ "$pass" = true ]

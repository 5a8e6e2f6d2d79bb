#!/bin/sh
# demo.sh - the demo at its default settings: text-to-video, held-out combinations, image-to-video, prediction, memorisation.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
"$ZOE" demo --out "$work/demo" --json > "$work/eval.json"
[ -s "$work/demo/report.html" ]
seen=$(figure "$work/eval.json" seen all)
held=$(figure "$work/eval.json" held_out all)
ratio=$(figure "$work/eval.json" "" distance_ratio)
moves=$(figure "$work/eval.json" image_to_video direction)
worst=$(figure "$work/eval.json" "" image_psnr_worst)
predict=$(figure "$work/eval.json" "" predict_psnr)
copy=$(figure "$work/eval.json" "" copy_last_psnr)
gain=$(awk -v a="$predict" -v b="$copy" 'BEGIN { print a - b }')
pass=true
for check in "$seen 0.95" "$held 0.85" "$ratio 0.8" "$moves 0.85" "$worst 26" "$gain 6"; do
    # shellcheck disable=SC2086
    at_least $check || pass=false
done
printf '{"name": "demo", "pass": %s, "seed": 1, "n": 480, ' "$pass"
printf '"all_right_seen": %s, "want_seen": 0.95, "all_right_held_out": %s, "want_held_out": 0.85, ' "$seen" "$held"
printf '"judge_on_real": %s, "shuffled_prompts": %s, "untrained": %s, ' "$(figure "$work/eval.json" judge_on_real all)" \
    "$(figure "$work/eval.json" shuffled_prompts all)" "$(figure "$work/eval.json" untrained all)"
printf '"distance_ratio": %s, "want_ratio": 0.8, "image_direction": %s, "want_direction": 0.85, ' "$ratio" "$moves"
printf '"image_psnr_worst": %s, "want_psnr": 26, "predict_psnr": %s, "copy_last_psnr": %s, ' "$worst" "$predict" "$copy"
printf '"constant_motion_psnr": %s, "predict_gain": %s, "want_gain": 6}\n' \
    "$(figure "$work/eval.json" "" constant_motion_psnr)" "$gain"
[ "$pass" = true ]

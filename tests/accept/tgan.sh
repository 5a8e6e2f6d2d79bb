#!/bin/sh
# tgan.sh - TGAN on the synthetic world: 60 % of its clips valid to both judges, 3.4 bits of entropy of colour and direction
# together (at most 4), and more valid clips than the same pair and steps with clipped weights in place of clipped singular
# values; at full width its generator makes 240 frames of 64x64 a second. One seed: SEED, else 1.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
make_world
make_judge
config=configs/tgan-shapes-32.yaml seed=${SEED-1}
scored svc "$config" seed="$seed"
scored clip "$config" seed="$seed" gan.bound=clip gan.bound_to=0.01
"$ZOE" bench --only tgan/sample --json > "$work/bench.json"
rate=$(awk '/"name": "tgan\/sample/ { row = 1 }
    row && /"ms":/ { sub(/.*: */, ""); r = 64000 / $1; if (r > best) best = r; row = 0 }
    END { print best + 0 }' "$work/bench.json")
e=$work/svc.json c=$work/clip.json t=$work/svc.train
valid=$(figure "$e" judge_net valid_both) other=$(figure "$c" judge_net valid_both)
bits=$(awk -v a="$(figure "$e" entropy colour)" -v b="$(figure "$e" entropy direction)" 'BEGIN { print a + b }')
pass=true
at_least "$valid" 0.60 || pass=false
at_least "$bits" 3.4 || pass=false
at_least "$valid" "$other" || pass=false
at_least "$rate" 240 || pass=false
printf '{"name": "tgan", "pass": %s, "seed": %s, "valid_both": %s, "want_valid": 0.60, ' $pass "$seed" "$valid"
printf '"valid": %s, "entropy_colour_direction": %s, "want_entropy": 3.4, ' "$(figure "$e" "" valid)" "$bits"
printf '"frames_per_s_full_width": %s, "want_frames_per_s": 240, ' "$rate"
printf '"frechet": %s, "frechet_floor": %s, ' "$(figure "$e" judge_net frechet)" "$(figure "$e" judge_net frechet_floor)"
printf '"baseline": "weights clipped at 0.01, same steps", "baseline_valid_both": %s, ' "$other"
printf '"baseline_frechet": %s, "steps": %s, ' "$(figure "$c" judge_net frechet)" "$(figure "$t" "" step)"
printf '"train_seconds": %s}\n' "$(figure "$t" "" seconds)"
[ $pass = true ]

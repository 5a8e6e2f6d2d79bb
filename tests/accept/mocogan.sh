#!/bin/sh
# mocogan.sh - MoCoGAN on the synthetic world: what a content code shows stays the same in other motion (shape and colour of 80 %
# of the pairs), a category moves the same way in other content (75 %), and motion goes on for 32 frames (50 % valid). Three
# seeds with SEEDS="1 2 3"; one by default. Pairs are those that the judge can read; how many clips that is, is said beside it.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
make_world
all=true
runs=
for seed in ${SEEDS-1}; do
    run=$work/run-$seed e=$work/eval-$seed.json t=$work/train-$seed.json
    "$ZOE" train configs/mocogan-shapes-32.yaml --out "$run" --json data.path="$work/data" seed="$seed" > "$t"
    "$ZOE" eval "$run/model" --data "$work/data" --num 480 --json > "$e"
    content=$(figure "$e" "" content_agreement) motion=$(figure "$e" "" motion_agreement) rollout=$(figure "$e" "" rollout_valid)
    pass=true
    at_least "$content" 0.80 || pass=false
    at_least "$motion" 0.75 || pass=false
    at_least "$rollout" 0.50 || pass=false
    [ $pass = true ] || all=false
    one=$(
        printf '{"seed": %s, "pass": %s, "content_agreement": %s, "want_content": 0.80, ' "$seed" $pass "$content"
        printf '"content_floor": %s, "motion_agreement": %s, "want_motion": 0.75, ' "$(figure "$e" "" content_floor)" "$motion"
        printf '"motion_floor": %s, "rollout_valid": %s, "want_rollout": 0.50, ' "$(figure "$e" "" motion_floor)" "$rollout"
        printf '"valid": %s, "crossed_valid": %s, ' "$(figure "$e" "" valid)" "$(figure "$e" "" crossed_valid)"
        printf '"category_right": %s, "frechet": %s, ' "$(figure "$e" "" category_right)" "$(figure "$e" "" frechet)"
        printf '"entropy": %s, "entropy_of_data": %s, ' "$(figure "$e" entropy joint)" "$(figure "$e" entropy_of_data joint)"
        printf '"frames_per_s": %s, "steps": %s, ' "$(figure "$e" "" frames_per_s)" "$(figure "$t" "" step)"
        printf '"train_seconds": %s}' "$(figure "$t" "" seconds)"
    )
    runs=$runs${runs:+, }$one
done
printf '{"name": "mocogan", "pass": %s, "runs": [%s]}\n' $all "$runs"
[ $all = true ]

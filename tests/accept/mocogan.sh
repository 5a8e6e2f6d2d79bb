#!/bin/sh
# mocogan.sh - MoCoGAN on the synthetic world: what a content code shows stays the same in other motion (shape and colour of 80 %
# of the pairs), a category moves the same way in other content (75 %), motion goes on for 32 frames (50 % valid), and the
# object's colour changes less over time than in clips of a VGAN and of a TGAN that were trained for as many FLOPs. Three seeds
# with SEEDS="1 2 3"; one by default. Pairs are those that the judge can read; how many clips that is, is said beside it.
# shellcheck disable=SC1091,SC2034,SC2154
. tests/accept/world.inc
data=$work/long
make_world --frames 32
make_judge
# The config's 6000 steps are 93.7 TFLOP (zoe train --plan); so are these.
scored vgan-equal configs/vgan-shapes-32.yaml data.frames=16 train.steps=11850
scored tgan-equal configs/tgan-shapes-32.yaml data.frames=16 train.steps=11370
of_vgan=$(figure "$work/vgan-equal.json" "" content_distance) of_tgan=$(figure "$work/tgan-equal.json" "" content_distance)
all=true
runs=
for seed in ${SEEDS-1}; do
    scored "mocogan-$seed" configs/mocogan-shapes-32.yaml seed="$seed"
    e=$work/mocogan-$seed.json t=$work/mocogan-$seed.train
    content=$(figure "$e" "" content_agreement) motion=$(figure "$e" "" motion_agreement) rollout=$(figure "$e" "" rollout_valid)
    distance=$(figure "$e" "" content_distance)
    pass=true
    at_least "$content" 0.80 || pass=false
    at_least "$motion" 0.75 || pass=false
    at_least "$rollout" 0.50 || pass=false
    at_least "$of_vgan" "$distance" || pass=false
    at_least "$of_tgan" "$distance" || pass=false
    [ $pass = true ] || all=false
    one=$(
        printf '{"seed": %s, "pass": %s, "content_agreement": %s, "want_content": 0.80, ' "$seed" $pass "$content"
        printf '"content_floor": %s, "motion_agreement": %s, "want_motion": 0.75, ' "$(figure "$e" "" content_floor)" "$motion"
        printf '"motion_floor": %s, "rollout_valid": %s, "want_rollout": 0.50, ' "$(figure "$e" "" motion_floor)" "$rollout"
        printf '"content_distance": %s, "of_vgan": %s, "of_tgan": %s, ' "$distance" "$of_vgan" "$of_tgan"
        printf '"content_distance_of_data": %s, ' "$(figure "$e" "" content_distance_of_data)"
        printf '"valid": %s, "valid_both": %s, ' "$(figure "$e" "" valid)" "$(figure "$e" judge_net valid_both)"
        printf '"crossed_valid": %s, "category_right": %s, ' "$(figure "$e" "" crossed_valid)" "$(figure "$e" "" category_right)"
        printf '"frechet": %s, ' "$(figure "$e" judge_net frechet)"
        printf '"frechet_floor": %s, ' "$(figure "$e" judge_net frechet_floor)"
        printf '"entropy": %s, "entropy_of_data": %s, ' "$(figure "$e" entropy joint)" "$(figure "$e" entropy_of_data joint)"
        printf '"frames_per_s": %s, "steps": %s, ' "$(figure "$e" "" frames_per_s)" "$(figure "$t" "" step)"
        printf '"train_seconds": %s}' "$(figure "$t" "" seconds)"
    )
    runs=$runs${runs:+, }$one
done
printf '{"name": "mocogan", "pass": %s, "runs": [%s]}\n' $all "$runs"
[ $all = true ]

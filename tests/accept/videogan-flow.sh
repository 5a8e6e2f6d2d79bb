#!/bin/sh
# videogan-flow.sh - flow and texture on the synthetic world: inside the object the flow is at most 1 pixel off its motion, and
# the warping error of the clips, by the flow found in them, is 25 % lower than that of the same network that does not warp. One
# seed: SEED, else 1.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
make_world
make_judge
config=configs/videogan-flow-shapes-32.yaml seed=${SEED-1}
scored warped "$config" seed="$seed"
scored still "$config" seed="$seed" model.warp=false
e=$work/warped.json o=$work/still.json t=$work/warped.train
flow=$(figure "$e" "" flow_error) warp=$(figure "$e" "" warp_error) other=$(figure "$o" "" warp_error)
lower=$(awk -v a="$warp" -v b="$other" 'BEGIN { print 1 - a / b }')
pass=true
at_least 1 "$flow" || pass=false
at_least "$lower" 0.25 || pass=false
printf '{"name": "videogan-flow", "pass": %s, "seed": %s, "flow_error": %s, "want_flow_error": 1, ' $pass "$seed" "$flow"
printf '"flow_error_of_none": %s, "warp_error": %s, ' "$(figure "$e" "" flow_error_of_none)" "$warp"
printf '"warp_error_of_data": %s, "lower_by": %s, "want_lower_by": 0.25, ' "$(figure "$e" "" warp_error_of_data)" "$lower"
printf '"own_warp_error": %s, "still_error": %s, ' "$(figure "$e" "" own_warp_error)" "$(figure "$e" "" still_error)"
printf '"valid_both": %s, "frechet": %s, ' "$(figure "$e" judge_net valid_both)" "$(figure "$e" judge_net frechet)"
printf '"frechet_floor": %s, "baseline": "the same network without warping", ' "$(figure "$e" judge_net frechet_floor)"
printf '"baseline_warp_error": %s, "baseline_valid_both": %s, ' "$other" "$(figure "$o" judge_net valid_both)"
printf '"baseline_frechet": %s, "steps": %s, ' "$(figure "$o" judge_net frechet)" "$(figure "$t" "" step)"
printf '"train_seconds": %s}\n' "$(figure "$t" "" seconds)"
[ $pass = true ]

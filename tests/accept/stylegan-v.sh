#!/bin/sh
# stylegan-v.sh - StyleGAN-V on the synthetic world: the trained generator's pictures move with their codes (EQ-T of 40 dB), 15 dB
# better than the same generator with plain up-sampling in place of its filters. One seed: SEED, else 1.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
make_world
make_judge
config=configs/stylegan-v-shapes-32.yaml seed=${SEED-1}
scored filtered "$config" seed="$seed"
scored plain "$config" seed="$seed" model.filtered=false
e=$work/filtered.json o=$work/plain.json t=$work/filtered.train
eq=$(figure "$e" "" eq_t_db) other=$(figure "$o" "" eq_t_db)
more=$(awk -v a="$eq" -v b="$other" 'BEGIN { print a - b }')
pass=true
at_least "$eq" 40 || pass=false
at_least "$more" 15 || pass=false
printf '{"name": "stylegan-v", "pass": %s, "seed": %s, "eq_t_db": %s, "want_eq_t_db": 40, ' $pass "$seed" "$eq"
printf '"more_by": %s, "want_more_by": 15, "frechet": %s, ' "$more" "$(figure "$e" judge_net frechet)"
printf '"frechet_floor": %s, "valid_both": %s, ' "$(figure "$e" judge_net frechet_floor)" "$(figure "$e" judge_net valid_both)"
printf '"baseline": "plain up-sampling, no margin, same steps", "baseline_eq_t_db": %s, ' "$other"
printf '"baseline_frechet": %s, ' "$(figure "$o" judge_net frechet)"
printf '"baseline_valid_both": %s, ' "$(figure "$o" judge_net valid_both)"
printf '"steps": %s, "train_seconds": %s}\n' "$(figure "$t" "" step)" "$(figure "$t" "" seconds)"
[ $pass = true ]

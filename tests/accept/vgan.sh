#!/bin/sh
# vgan.sh - VGAN on the synthetic world: 60 % of its clips valid to both judges, its mask on the object that the analytic judge
# sees (intersection over union 0.5), its background still; and nearer to real clips, in the judge network's features, than a
# generator of one stream at equal cost (docs/models/vgan.md) after the same steps. Three seeds with SEEDS="1 2 3"; else one.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
make_world
make_judge
config=configs/vgan-shapes-32.yaml
all=true
runs=
for seed in ${SEEDS-1}; do
    scored "two-$seed" "$config" seed="$seed"
    scored "one-$seed" "$config" seed="$seed" model.streams=1 model.width=17
    e=$work/two-$seed.json o=$work/one-$seed.json t=$work/two-$seed.train
    valid=$(figure "$e" judge_net valid_both) iou=$(figure "$e" "" mask_iou) moves=$(figure "$e" "" background_change)
    frechet=$(figure "$e" judge_net frechet) other=$(figure "$o" judge_net frechet)
    pass=true
    at_least "$valid" 0.60 || pass=false
    at_least "$iou" 0.50 || pass=false
    at_least 0 "$moves" || pass=false
    at_least "$other" "$frechet" || pass=false
    [ $pass = true ] || all=false
    one=$(
        printf '{"seed": %s, "pass": %s, "valid_both": %s, "want_valid": 0.60, ' "$seed" $pass "$valid"
        printf '"valid": %s, "mask_iou": %s, "want_iou": 0.50, ' "$(figure "$e" "" valid)" "$iou"
        printf '"background_change": %s, "frechet": %s, ' "$moves" "$frechet"
        printf '"frechet_floor": %s, "baseline": "one stream of equal cost", ' "$(figure "$e" judge_net frechet_floor)"
        printf '"baseline_frechet": %s, "baseline_valid_both": %s, ' "$other" "$(figure "$o" judge_net valid_both)"
        printf '"entropy": %s, "entropy_of_data": %s, ' "$(figure "$e" entropy joint)" "$(figure "$e" entropy_of_data joint)"
        printf '"steps": %s, "train_seconds": %s}' "$(figure "$t" "" step)" "$(figure "$t" "" seconds)"
    )
    runs=$runs${runs:+, }$one
done
printf '{"name": "vgan", "pass": %s, "runs": [%s]}\n' $all "$runs"
[ $all = true ]

#!/bin/sh
# gan-full.sh - the adversarial models at their papers' sizes on this machine: each config trains two steps of its batch within
# 24 GiB; how many days all its steps would take, by those two and by what `zoe train --plan` foretells.
# shellcheck disable=SC1091,SC2034,SC2154
. tests/accept/world.inc
data=$work/large
make_world --clips 300 --frames 32 --size 128
all=true
rows=
for name in vgan-64 tgan-64 mocogan-64 videogan-flow-64 stylegan-v-128; do
    set -- "configs/$name.yaml" data.path="$data"
    steps=$(sed -n 's/^  steps: *//p' "configs/$name.yaml") batch=$(sed -n 's/^  batch: *//p' "configs/$name.yaml")
    "$ZOE" train "$@" --plan --json > "$work/$name.plan"
    rm -rf "${work:?}/$name"
    "$ZOE" train "$@" --out "$work/$name" --json train.steps=2 gan.monitor_clips=16 > "$work/$name.train"
    rm -rf "${work:?}/$name"
    t=$work/$name.train p=$work/$name.plan
    rate=$(figure "$t" "" clips_per_s) peak=$(figure "$t" "" peak_bytes)
    pass=true
    at_least 25769803776 "$peak" || pass=false
    at_least "$rate" 0.000001 || pass=false
    [ $pass = true ] || all=false
    row=$(
        printf '{"config": "%s", "pass": %s, "batch": %s, ' "$name" $pass "$batch"
        printf '"gflop_per_step": %s, ' "$(awk -v f="$(figure "$p" "" flops_per_step)" 'BEGIN { print f / 1e9 }')"
        printf '"step_s": %s, "steps": %s, ' "$(awk -v b="$batch" -v r="$rate" 'BEGIN { print b / r }')" "$steps"
        printf '"days": %s, ' "$(awk -v b="$batch" -v r="$rate" -v s="$steps" 'BEGIN { print s * b / r / 86400 }')"
        printf '"planned_days": %s, ' "$(awk -v s="$(figure "$p" "" predicted_s)" 'BEGIN { print s / 86400 }')"
        printf '"peak_gb": %s, ' "$(awk -v b="$peak" 'BEGIN { print b / 1e9 }')"
        printf '"planned_gb": %s}' "$(awk -v b="$(figure "$p" "" peak_bytes)" 'BEGIN { print b / 1e9 }')"
    )
    rows=$rows${rows:+, }$row
done
printf '{"name": "gan-full", "pass": %s, "want_peak_gb": 25.77, "configs": [%s]}\n' $all "$rows"
[ $all = true ]

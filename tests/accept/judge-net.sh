#!/bin/sh
# judge-net.sh - the judge network on the synthetic world: shape, colour and direction all right in 99 % of the clips of a test
# split of another seed, half of them of combinations held out there. Beside it: the same clips with noise, and on how many both
# judges agree.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
make_world
"$ZOE" synth --out "$work/judged" --clips 6000 --hold-out 0 --test 0 --seed 700001 >&2
t=$work/train.json e=$work/eval.json
"$ZOE" train configs/judge-move-32.yaml --out "$work/run" --json data.path="$work/judged" > "$t"
"$ZOE" eval "$work/run/model" --data "$work/data" --num 960 --json > "$e"
# level N KEY: number KEY of the N-th level of noise; 0: clean.
level() {
    awk -v n="$1" -v key="$2" '
        /"noise":/ { k++ }
        k == n + 1 && index($0, "\"" key "\":") { sub(/.*: */, ""); sub(/,.*/, ""); print; exit }' "$e"
}
all=$(level 0 all)
pass=false
at_least "$all" 0.99 && [ "$(figure "$e" "" clips)" = 960 ] && pass=true
printf '{"name": "judge-net", "pass": %s, "seed": 1, "n": 960, "all_right": %s, "want_all_right": 0.99, ' "$pass" "$all"
printf '"shape": %s, "colour": %s, "direction": %s, ' "$(level 0 shape)" "$(level 0 colour)" "$(level 0 direction)"
printf '"all_right_held_out": %s, "analytic_judge": %s, "both_agree": %s, ' "$(figure "$e" "" held_out_all)" \
    "$(level 0 analytic)" "$(level 0 agree)"
printf '"noisy": ['
for k in 1 2 3; do
    [ $k = 1 ] || printf ', '
    printf '{"noise": %s, "all_right": %s, "analytic_judge": %s, "both_agree": %s}' "$(level $k noise)" "$(level $k all)" \
        "$(level $k analytic)" "$(level $k agree)"
done
printf '], "baseline": "chance, 1 of 48 combinations", "baseline_all_right": 0.021, '
printf '"steps": %s, "best_step": %s, "train_seconds": %s, ' "$(figure "$t" "" step)" "$(figure "$t" "" best_step)" \
    "$(figure "$t" "" seconds)"
printf '"val_loss": %s, "clips_per_s": %s}\n' "$(figure "$t" "" best_val_loss)" "$(figure "$t" "" clips_per_s)"
[ $pass = true ]

#!/bin/sh
# test_kill_resume.sh - kill -9 at 20 random moments: --resume goes on, the end is bit-identical, no
# checkpoint is ever half there. labels: slow
# shellcheck disable=SC1091,SC2154,SC2012
. "$(dirname "$0")/tiny.sh"
export OMP_NUM_THREADS=2
make_data
"$zoe" train "$tiny" --out "$work/whole" --quiet
whole=$work/whole/checkpoints/step-00000060
killed=$work/killed/checkpoints/step-00000060
kills=0
started=0
while [ $kills -lt 20 ]; do
    if [ $started -eq 0 ]; then set -- "$tiny"; else set -- --resume; fi
    "$zoe" train "$@" --out "$work/killed" --quiet 2> "$work/err" &
    pid=$!
    sleep "$(awk -v k=$kills 'BEGIN { srand(k + 11); printf "%.3f", 0.03 + 0.9 * rand() * rand() }')"
    if kill -9 $pid 2> /dev/null; then kills=$((kills + 1)); fi
    wait $pid 2> /dev/null || true
    [ -f "$work/killed/config.yaml" ] && started=1
    for c in "$work"/killed/checkpoints/step-*; do
        [ -d "$c" ] || continue
        for f in model ema optimizer; do
            [ -s "$c/$f.safetensors" ] || fail "$c/$f.safetensors is missing after kill $kills"
        done
        [ -s "$c/state.json" ] || fail "$c/state.json is missing after kill $kills"
    done
    # A run that finished between two kills starts again, so that 20 kills hit running work.
    if [ -d "$work/killed/checkpoints/step-00000060" ] && [ $kills -lt 20 ]; then
        cmp "$whole/model.safetensors" "$killed/model.safetensors" ||
            fail "weights differ after $kills kills"
        rm -rf "$work/killed"
        started=0
    fi
done
if [ $started -eq 0 ]; then set -- "$tiny"; else set -- --resume; fi
"$zoe" train "$@" --out "$work/killed" --quiet
for f in model ema optimizer; do
    cmp "$whole/$f.safetensors" "$killed/$f.safetensors" ||
        fail "$f differs from the uninterrupted run"
done
cmp "$work/whole/model/model.safetensors" "$work/killed/model/model.safetensors" ||
    fail "the model differs from the uninterrupted run"
# Not everything is equal by accident: another seed gives other weights.
"$zoe" train "$tiny" seed=4 --out "$work/other" --quiet
! cmp -s "$work/whole/model/model.safetensors" "$work/other/model/model.safetensors" || fail "another seed gave the same weights"
# Kernels chosen by timing: a run on another one's choices gives its bits, and keeps them with it.
"$zoe" train "$tiny" tune=true --out "$work/tuned" --quiet
"$zoe" train "$tiny" kernels="$work/tuned/kernels.json" --out "$work/twin" --quiet
cmp "$work/tuned/model/model.safetensors" "$work/twin/model/model.safetensors" || fail "the same kernels gave other weights"
cmp "$work/tuned/kernels.json" "$work/twin/kernels.json" || fail "the kernels are not kept with the run"
echo "20 kills: weights, average, optimiser and model are bit-identical"

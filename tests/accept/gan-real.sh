#!/bin/sh
# gan-real.sh - VGAN and MoCoGAN on real clips of 64x64, some 20 minutes each on one thread: no mode collapse at the end, and a
# Frechet distance below half of that of noise and of the untrained network. CLIPS=DIR in the environment: a folder of videos of
# some people or things before a camera that stands still; MODELS: which of the two, else both.
# shellcheck disable=SC1091,SC2154
. tests/accept/world.inc
[ -d "${CLIPS-}" ] || {
    echo "gan-real: CLIPS is '${CLIPS-}': want a folder of videos, as in CLIPS=~/videos ./dev accept gan-real" >&2
    exit 2
}
[ -d "$data" ] ||
    "$ZOE" ingest "$CLIPS" --out "$data" --frames 16 --size 64x64 --mode slide --stride 4 --val 0.15 --test 0.15 --seed 1 >&2
all=true
runs=
for name in ${MODELS-vgan mocogan}; do
    case $name in
    vgan) set -- train.steps=3600 model.mask_penalty=1 ;;
    mocogan) set -- train.steps=1800 gan.categories=found gan.classes=4 ;;
    *) echo "gan-real: MODELS names '$name': want vgan, mocogan or both" >&2; exit 2 ;;
    esac
    [ -s "$work/$name.json" ] || {
        "$ZOE" train "configs/$name-shapes-32.yaml" --out "$work/$name" --json data.path="$data" "$@" > "$work/$name.train"
        "$ZOE" eval "$work/$name/model" --data "$data" --num 200 --json > "$work/$name.scores"
        mv "$work/$name.scores" "$work/$name.json"
    }
    e=$work/$name.json t=$work/$name.train
    frechet=$(figure "$e" "" frechet) noise=$(figure "$e" "" frechet_noise) untrained=$(figure "$e" "" frechet_untrained)
    pass=true
    grep -q '"collapse": ""' "$e" || pass=false
    for far in "$noise" "$untrained"; do at_least "$(awk -v d="$far" 'BEGIN { print d / 2 }')" "$frechet" || pass=false; done
    [ $pass = true ] || all=false
    run=$(
        printf '{"model": "%s", "pass": %s, "frechet": %s, "frechet_floor": %s, ' "$name" $pass "$frechet" \
            "$(figure "$e" "" frechet_floor)"
        printf '"frechet_noise": %s, "frechet_untrained": %s, "want": "half of these", ' "$noise" "$untrained"
        printf '"variance": %s, "variance_of_data": %s, ' "$(figure "$e" "" variance)" "$(figure "$e" "" variance_of_data)"
        printf '"warp_error": %s, ' "$(figure "$e" "" warp_error)"
        printf '"warp_error_of_data": %s, ' "$(figure "$e" "" warp_error_of_data)"
        printf '"steps": %s, "train_seconds": %s}' "$(figure "$t" "" step)" "$(figure "$t" "" seconds)"
    )
    runs=$runs${runs:+, }$run
done
printf '{"name": "gan-real", "pass": %s, "seed": 1, "runs": [%s]}\n' $all "$runs"
[ $all = true ]

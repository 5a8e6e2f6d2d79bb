#!/bin/sh
# test_buckets.sh - training on clips of several lengths and shapes: the plan, the run, its model and what that generates; killed
# runs go on to the same bits; what no bucket takes is refused before the first step. labels: slow
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/tiny.sh"
export OMP_NUM_THREADS=2
mkdir "$work/videos"
for i in 1 2 3 4 5 6 7 8; do
    "$zoe" synth --out "$work/s" --clips 9 --frames 44 --size 32 --seed $i > "$work/log" 2>&1 || fail "synth"
    # Four clips make a square film, two a wide one; 44 frames are five clips of 8 and one of 4.
    "$zoe" data show "$work/s" --num $((i % 2 * 2 + 2)) -o "$work/videos/$i.mp4" > "$work/log" || fail "data show"
    echo "clip $i of a square" > "$work/videos/$i.txt"
    rm -rf "$work/s"
done
"$zoe" ingest "$work/videos" --out "$work/data" --size 16x16,32x16 --frames 4,8 --fps 8 --scenes off --val 0.25 --quiet \
    > "$work/log" 2>&1 || fail "ingest: $(cat "$work/log")"

sed -i "s|data: {path|data: {buckets: auto, path|; s|steps: 60|steps: 40|; s|sample_every: 60|sample_every: 40|" "$tiny"
"$zoe" train "$tiny" --plan > "$work/plan" || fail "--plan"
[ "$(grep -c '^bucket ' "$work/plan")" -eq 4 ] || fail "--plan does not list four buckets: $(cat "$work/plan")"
"$zoe" train "$tiny" --plan --json > "$work/plan.json" || fail "--plan --json"
grep -q '"size": "8x16x32"' "$work/plan.json" || fail "--plan --json: $(cat "$work/plan.json")"
"$zoe" train "$tiny" --profile > "$work/profile" || fail "--profile"
[ "$(grep -c '^bucket ' "$work/profile")" -eq 4 ] || fail "--profile does not show four buckets"

"$zoe" train "$tiny" --out "$work/whole" 2> "$work/err" || fail "train: $(cat "$work/err")"
grep -q "bucket 8x16x16: .* clips, batch 2" "$work/err" || fail "the run does not name its buckets: $(cat "$work/err")"
grep -q '"val_loss/8x16x' "$work/whole/log.jsonl" || fail "no validation loss of a bucket: $(cat "$work/whole/log.jsonl")"
grep -q '"sizes": "8x16x' "$work/whole/model/config.json" || fail "the model does not know its sizes"

# Killed and resumed: the same weights, average and optimiser.
kills=0
started=0
while [ $kills -lt 6 ]; do
    if [ $started -eq 0 ]; then set -- "$tiny"; else set -- --resume; fi
    "$zoe" train "$@" --out "$work/killed" --quiet 2> "$work/err" &
    pid=$!
    sleep "$(awk -v k=$kills 'BEGIN { srand(k + 5); printf "%.3f", 0.1 + 0.5 * rand() }')"
    if kill -9 $pid 2> /dev/null; then kills=$((kills + 1)); fi
    wait $pid 2> /dev/null || true
    [ -f "$work/killed/config.yaml" ] && started=1
    if [ -d "$work/killed/checkpoints/step-00000040" ] && [ $kills -lt 6 ]; then
        rm -rf "$work/killed"
        started=0
    fi
done
if [ $started -eq 0 ]; then set -- "$tiny"; else set -- --resume; fi
"$zoe" train "$@" --out "$work/killed" --quiet || fail "the run after the kills"
for f in model ema optimizer; do
    cmp "$work/whole/checkpoints/step-00000040/$f.safetensors" "$work/killed/checkpoints/step-00000040/$f.safetensors" ||
        fail "$f differs after 6 kills"
done

# Clips of any size it was trained at, and of no other.
model=$work/whole/model
"$zoe" generate "$model" -p "a square" --steps 2 -W 32 -H 16 --video-frames 4 -o "$work/wide.mp4" --quiet ||
    fail "generate 4x16x32"
"$zoe" generate "$model" -p "a square" --steps 2 -W 32 -o "$work/wider.mp4" --quiet || fail "generate, width alone"
"$zoe" generate "$model" -p "a square" --steps 2 -W 16 -H 16 --image "$work/whole/samples/step-00000040.png" \
    -o "$work/square.mp4" --quiet || fail "generate 16x16 from an image"
expect 2 "this model makes clips of .*32x16 (8 frames)" "$zoe" generate "$model" -W 32 -H 32 -o "$work/no.mp4"
expect 2 "this model makes clips of" "$zoe" generate "$model" -W 24 -o "$work/no.mp4"
sed 's/"sizes": "[^"]*"/"sizes": "8x16x16,8x17x16"/' "$model/config.json" > "$work/config.json"
cp -r "$model" "$work/bad"
cp "$work/config.json" "$work/bad/config.json"
expect 2 "8x17x16" "$zoe" generate "$work/bad" -o "$work/no.mp4"

# Equal pixels: more of the short and square ones in a batch; a list of buckets that the others are cut to.
"$zoe" train "$tiny" --plan data.bucket_batch=pixels train.batch=1 | grep -q "^bucket *4x16x16 .*batch *2:" || fail "pixels"
"$zoe" train "$tiny" --out "$work/list" data.buckets=8x16x16,4x16x16 data.bucket_batch=pixels train.steps=6 --quiet ||
    fail "a list of buckets"
grep -q '"sizes": "8x16x16,4x16x16"' "$work/list/model/config.json" || fail "the list is not the model's"

# Wrong input, before anything is made.
expect 2 "has 0 of the training clips" "$zoe" train "$tiny" --out "$work/no" data.buckets=8x16x16,4x16x16,16x16x16
expect 2 "a batch of it has 64" "$zoe" train "$tiny" --out "$work/no" data.buckets=8x16x16,4x16x16 train.batch=64
expect 2 "fit no bucket" "$zoe" train "$tiny" --out "$work/no" data.buckets=8x16x16
expect 2 "wants multiples of .*can take is 4x12x16" "$zoe" train "$tiny" --out "$work/no" data.buckets=4x15x16
expect 2 "exclude each other" "$zoe" train "$tiny" --out "$work/no" data.frames=4
expect 2 "is no list of sizes" "$zoe" train "$tiny" --out "$work/no" data.buckets=16x16
[ ! -e "$work/no" ] || fail "a refused run left its folder"
echo "buckets: plan, run, 6 kills, sizes of clips passed"

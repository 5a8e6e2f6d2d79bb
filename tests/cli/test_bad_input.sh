#!/bin/sh
# test_bad_input.sh - what users get wrong: a clear error, a non-zero exit status, nothing lost.
# shellcheck disable=SC1091,SC2154,SC2012
. "$(dirname "$0")/tiny.sh"
make_data
# Config
expect 2 "did you mean" "$zoe" train "$tiny" --out "$work/x" train.stepss=3
expect 2 "did you mean" "$zoe" train "$tiny" --out "$work/x" trane.steps=3
expect 2 "train.lr" "$zoe" train "$tiny" --out "$work/x" train.lr=abc
expect 2 "train.batch" "$zoe" train "$tiny" --out "$work/x" train.batch=0
expect 2 "unet3d" "$zoe" train "$tiny" --out "$work/x" model.name=unet4d
expect 2 "multiple" "$zoe" train "$tiny" --out "$work/x" data.height=15 data.width=15
expect 2 "key=value" "$zoe" train "$tiny" --out "$work/x" train.steps
printf 'train:\n  stepz: 3\nmodel: {name: vdit}\n' > "$work/bad.yaml"
expect 2 "steps" "$zoe" train "$work/bad.yaml" --out "$work/x"
printf 'train: [1, 2\n' > "$work/bad.yaml"
expect 1 "bad.yaml" "$zoe" train "$work/bad.yaml" --out "$work/x"
expect 1 "no-such.yaml" "$zoe" train "$work/no-such.yaml" --out "$work/x"
expect 1 "folder" "$zoe" train "$work" --out "$work/x"
expect 1 "no-data" "$zoe" train "$tiny" --out "$work/x" data.path="$work/no-data"
[ ! -e "$work/x" ] || fail "a refused run left $work/x"
expect 1 "resume" "$zoe" train --out "$work/none" --resume
# Places that cannot be written
touch "$work/file"
expect 1 "file" "$zoe" train "$tiny" --out "$work/file/run"
expect 1 "" "$zoe" train "$tiny" --out /proc/run
# A learning rate that explodes: the node is named, the last checkpoint stays.
expect 1 "NaN" "$zoe" train "$tiny" --out "$work/nan" \
    train.lr=1 train.clip=0 train.steps=3000 train.eps=1e-12 train.weight_decay=10
# A model folder that is damaged
"$zoe" train "$tiny" --out "$work/run" train.steps=5 --quiet
model=$work/run/model
expect 1 "no such model" "$zoe" generate "$work/none" -p x -o "$work/o.mp4"
expect 1 "config.json" "$zoe" generate "$work/run/samples" -p x -o "$work/o.mp4"
cp -r "$model" "$work/cut"
head -c 3000 "$model/model.safetensors" > "$work/cut/model.safetensors"
expect 1 "model.safetensors" "$zoe" generate "$work/cut" -p x -o "$work/o.mp4"
cp "$model/model.safetensors" "$work/cut/model.safetensors"
sed -i 's/"widths": \[8, 16\]/"widths": [8, 24]/; s/8,$/8,/; s/16$/24/' "$work/cut/config.json"
sed 's/stem.weight/stem.weighx/' "$model/model.safetensors" > "$work/cut/model.safetensors"
cp "$model/config.json" "$work/cut/config.json"
expect 1 "stem.weight" "$zoe" generate "$work/cut" -p x -o "$work/o.mp4"
# Prompts
big=$work/big.txt
head -c 100000 /dev/zero | tr '\0' 'a' > "$big"
expect 2 "" "$zoe" generate "$model" -p "$(cat "$big")" -o "$work/o.mp4"
expect 2 "UTF-8" "$zoe" generate "$model" -p "$(printf 'red \377 square')" -o "$work/o.mp4"
"$zoe" generate "$model" -p "" --steps 1 --quiet -o "$work/empty.mp4" || fail "an empty prompt is unconditional, not an error"
expect 2 "avi" "$zoe" generate "$model" -p x -o "$work/o.avi"
expect 2 "%" "$zoe" generate "$model" -p x -o "$work/%s.png"
expect 2 "fewer" "$zoe" generate "$model" -p x --video "$work/empty.mp4" --context 4 -o "$work/o.mp4"
expect 1 "big.txt" "$zoe" generate "$model" -p x --image "$big" -o "$work/o.mp4"
[ ! -e "$work/o.mp4" ] || fail "a refused generation left a file"
# A checkpoint that is damaged: refused by name, the run is not changed.
cp -r "$work/run" "$work/hurt"
for f in "$work"/hurt/checkpoints/step-*/optimizer.safetensors; do head -c 500 "$f" > "$f.cut" && mv "$f.cut" "$f"; done
expect 1 "optimizer.safetensors" "$zoe" train --out "$work/hurt" --resume train.steps=9
# A data set that is damaged
cp -r "$work/data" "$work/short"
for f in "$work"/short/shards/*.tar; do head -c 20000 "$f" > "$f.cut" && mv "$f.cut" "$f"; done
expect 1 "tar" "$zoe" train "$tiny" --out "$work/x" data.path="$work/short"
cp -r "$work/data" "$work/broken"
printf 'not a data base, but long enough to look at' > "$work/broken/catalog.db"
expect 1 "catalog.db" "$zoe" train "$tiny" --out "$work/x" data.path="$work/broken"
expect 2 "not empty" "$zoe" synth --out "$work/data" --clips 10
# A full disk: the error says so and the last checkpoint is whole.
if [ "$(id -u)" -eq 0 ] && mkdir "$work/full" && mount -t tmpfs -o size=6m tmpfs "$work/full" 2> /dev/null; then
    trap 'umount "$work/full" 2> /dev/null || true; rm -rf "$work"' EXIT
    expect 1 "space" "$zoe" train "$tiny" --out "$work/full/run" train.steps=2000 train.keep=1000 train.checkpoint_every=1
    newest=$(ls -d "$work"/full/run/checkpoints/step-* | tail -1)
    for f in model ema optimizer; do [ -s "$newest/$f.safetensors" ] || fail "a full disk left half a checkpoint"; done
    umount "$work/full"
else
    echo "SKIPPED: full disk (needs root and tmpfs)"
fi
echo "bad input: all refused as they should be"

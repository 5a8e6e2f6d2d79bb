# shellcheck shell=sh disable=SC2034
# tiny.sh - sourced by the tests of the program: a data set and a config that train in a second. Sets $work, $tiny; $zoe comes
# from $1.
set -eu
zoe=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tiny=$work/tiny.yaml
cat > "$tiny" <<END
seed: 3
precision: bf16
data: {path: $work/data}
model: {name: unet3d, widths: [8, 16], blocks: 1, patch: [1, 2, 2], time_kernel: 3, time_down: [0, 0], attn_space: [0, 0],
        attn_time: [0, 1], head_dim: 8}
text: {dim: 16, depth: 1, heads: 2, length: 12}
train: {optimiser: muon, steps: 60, batch: 2, warmup: 4,
        checkpoint_every: 5, val_every: 20, val_batches: 1, sample_every: 60, sample_steps: 2}
END
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
make_data() {
    "$zoe" synth --out "$work/data" --clips 40 --frames 4 --size 16 --val 0.1 --test 0.1 --seed 2 > "$work/synth.log" 2>&1 || {
        cat "$work/synth.log"
        fail "zoe synth"
    }
}
# expect STATUS TEXT COMMAND...: the command ends with STATUS and its error output contains TEXT.
expect() {
    want=$1 text=$2
    shift 2
    got=0
    "$@" > "$work/out" 2> "$work/err" || got=$?
    [ "$got" -eq "$want" ] || { cat "$work/err"; fail "exit status $got, want $want: $*"; }
    grep -q -- "$text" "$work/err" || { cat "$work/err"; fail "error text lacks '$text': $*"; }
}

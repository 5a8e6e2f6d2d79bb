# shellcheck shell=sh disable=SC2154
# ingest_videos.sh - sourced after tiny.sh by the tests of ingest: $work/videos, 15 short files, of which one is damaged, one
# cut off and one the double of another; and how they are ingested ($settings).
export OMP_NUM_THREADS=1
mkdir "$work/videos"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    "$zoe" synth --out "$work/s" --clips 9 --frames 40 --size 32 --seed $i > "$work/log" 2>&1 || fail "synth"
    "$zoe" data show "$work/s" --num 4 -o "$work/videos/$i.mp4" > "$work/log" || fail "data show"
    rm -rf "$work/s"
done
head -c 4000 "$work/videos/3.mp4" > "$work/videos/part.mp4"
head -c 200 "$work/videos/3.mp4" > "$work/videos/cut.mp4"
cp "$work/videos/5.mp4" "$work/videos/twin.mp4"
settings="--size 32x24,24x32 --frames 5,9 --frame-rule 4n+1 --fps 12"
ingest() { # ingest FOLDER [OPTION...]
    out=$1
    shift
    # shellcheck disable=SC2086
    "$zoe" ingest "$work/videos" --out "$out" $settings --quiet "$@"
}

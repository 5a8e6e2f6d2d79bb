#!/bin/sh
# ingest.sh - `zoe ingest` with the scene split on, shards written, against `ffmpeg -threads 2` decoding, scaling and cropping the
# same files to raw frames that go nowhere: best of three each, in turn. Two files of 8 s, 1920x1080 H.264 at 35 Mbit/s.
# needs: cmd:ffmpeg=ffmpeg
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
echo "ingest: making two files" >&2
for i in 1 2; do
    ffmpeg -v error -nostdin -f lavfi -i "testsrc2=size=1920x1080:rate=30:duration=8,noise=alls=24:allf=t:all_seed=$i" \
        -c:v libx264 -preset veryfast -b:v 35M -minrate 35M -maxrate 35M -bufsize 35M -pix_fmt yuv420p "$work/$i.mp4" >&2
done
now_ms() { echo $(($(date +%s%N) / 1000000)); }
with_ffmpeg() {
    for i in 1 2; do
        ffmpeg -v error -nostdin -threads 2 -i "$work/$i.mp4" -vf 'fps=30,scale=-1:256:flags=bicubic,crop=256:256' \
            -pix_fmt rgb24 -f rawvideo -y /dev/null >&2
    done
}
with_zoe() {
    rm -rf "$work/set"
    "$ZOE" ingest "$work/1.mp4" "$work/2.mp4" --out "$work/set" --size 256 --frames 16 --fps 30 --threads 2 --quiet >&2
}
least() { # least OLD COMMAND: the smaller of OLD and the milliseconds that COMMAND takes
    start=$(now_ms)
    $2
    took=$(($(now_ms) - start))
    echo "ingest: $2 took $took ms" >&2
    if [ "$1" -eq 0 ] || [ "$took" -lt "$1" ]; then echo "$took"; else echo "$1"; fi
}
ffmpeg_ms=0
zoe_ms=0
for round in 1 2 3; do
    ffmpeg_ms=$(least "$ffmpeg_ms" with_ffmpeg)
    zoe_ms=$(least "$zoe_ms" with_zoe)
done
ratio=$(awk -v a="$ffmpeg_ms" -v b="$zoe_ms" 'BEGIN { printf "%.3f", a / b }')
pass=false
awk -v r="$ratio" 'BEGIN { exit !(r >= 0.9) }' && pass=true
printf '{"name": "ingest", "pass": %s, "seed": 1, "rounds": %d, "speed_ratio": %s, "want_ratio": 0.9, "zoe_s": %s, ' \
    $pass "$round" "$ratio" "$(awk -v t="$zoe_ms" 'BEGIN { print t / 1000 }')"
printf '"baseline": "ffmpeg -threads 2, one file after the other", "baseline_s": %s, "megabytes": %d, "processors": %d}\n' \
    "$(awk -v t="$ffmpeg_ms" 'BEGIN { print t / 1000 }')" $(($(cat "$work/1.mp4" "$work/2.mp4" | wc -c) / 1000000)) "$(nproc)"
[ $pass = true ]

#!/bin/sh
# film.sh - a film of two hours goes through `zoe ingest` in little memory: 180,000 frames of 320x180 with sound, made here (two
# minutes that move, written sixty times over), to clips of 64x64 at 30 fps; the peak is that of all processes that ingest has.
# needs: cmd:ffmpeg=ffmpeg
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
echo "film: making two hours" >&2
ffmpeg -v error -nostdin -f lavfi -i testsrc2=size=320x180:rate=25:duration=120 -f lavfi -i sine=frequency=330:duration=120 \
    -c:v libx264 -preset ultrafast -crf 24 -pix_fmt yuv420p -c:a aac -b:a 64k "$work/part.mp4" >&2
ffmpeg -v error -nostdin -stream_loop 59 -i "$work/part.mp4" -c copy "$work/film.mkv" >&2
rm "$work/part.mp4"

# high_water PID: the peak of resident memory, in KiB, of a process and its children, as long as they live.
high_water() {
    for pid in "$1" $(cat /proc/"$1"/task/*/children 2>/dev/null); do
        sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null || true
    done | awk '{ s += $1 } END { print s + 0 }'
}
start=$(date +%s)
"$ZOE" ingest "$work/film.mkv" --out "$work/set" --size 64 --frames 16 --fps 30 --audio keep --json >"$work/result" &
pid=$!
peak=0
while kill -0 "$pid" 2>/dev/null; do
    now=$(high_water "$pid")
    [ "$now" -le "$peak" ] || peak=$now
    sleep 0.2
done
wait $pid
seconds=$(($(date +%s) - start))
clips=$(sed -n 's/^  "clips": \([0-9]*\).*/\1/p' "$work/result")
mb=$((peak / 1024))
pass=false
# 7200 s hold 13,500 clips of 16 frames; the test picture has no cuts, only the seams of its copies cost some.
[ "$mb" -gt 0 ] && [ "$mb" -lt 500 ] && [ "${clips:-0}" -ge 13000 ] && pass=true
printf '{"name": "film", "pass": %s, "seed": 0, "film_s": 7200, "peak_rss_mb": %d, "want_below_mb": 500, "clips": %d, ' \
    $pass "$mb" "${clips:-0}"
printf '"want_clips": 13000, "seconds": %d, "baseline": "the decoded film, %d MB"}\n' "$seconds" \
    $((180000 * 320 * 180 * 3 / 1000000))
[ $pass = true ]

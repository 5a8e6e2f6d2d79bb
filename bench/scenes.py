"""`zoe data scenes` against PySceneDetect on films with known cuts, fades and dissolves; prints one JSON line.

    python3 bench/scenes.py path/to/zoe CLIPS FILMS [--height 720] [--rounds N] [--only NAME,NAME]

CLIPS is a folder of real videos, FILMS an empty one, or one that an earlier run filled. The script strings pieces of the clips
together, encodes the result in the usual ways, and runs the programs in turn on each file. Needs ffmpeg with libx264, libx265 and
libvpx-vp9, and the packages scenedetect and opencv-python-headless.

A boundary counts as found when one is reported within two frames of the true one; "others" are the reports left over, among
them the shot changes that the clips have of their own.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import time

FPS = 25
ENCODINGS = {
    "h264": ["-c:v", "libx264"],
    "h264-no-b": ["-c:v", "libx264", "-bf", "0"],
    "h264-no-scenecut": ["-c:v", "libx264", "-g", "300", "-sc_threshold", "0"],
    "h264-low-rate": ["-c:v", "libx264", "-crf", "30", "-preset", "veryfast"],
    "hevc": ["-c:v", "libx265", "-preset", "fast", "-x265-params", "log-level=none"],
    "mpeg4": ["-c:v", "mpeg4", "-q:v", "4"],
    "mpeg2": ["-c:v", "mpeg2video", "-q:v", "4", "-bf", "2"],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "7", "-b:v", "3M"],
}
ENDING = {"mpeg2": "mpg", "vp9": "webm"}
THEIRS = """
import sys
from scenedetect import AdaptiveDetector, ContentDetector, detect
scenes = detect(sys.argv[2], {"content": ContentDetector, "adaptive": AdaptiveDetector}[sys.argv[1]]())
for first, _ in scenes[1:]:
    print(first.seconds)
"""


def run(command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def duration(path):
    done = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path],
                          capture_output=True, text=True, check=True)
    return float(done.stdout)


def piece(out, clip, start, frames, height, fade_in, fade_out):
    """`frames` frames of the clip from `start` seconds on, with a little grain, and 10 frames from or to black."""
    width = height * 16 // 9
    steps = [f"fps={FPS}", f"scale={width}:{height}:force_original_aspect_ratio=increase", f"crop={width}:{height}",
             "noise=alls=5:allf=t", "setsar=1", "format=yuv420p"]
    steps += ["fade=in:0:10"] * fade_in + [f"fade=out:{frames - 10}:10"] * fade_out
    run(["ffmpeg", "-v", "error", "-y", "-ss", str(start), "-i", clip, "-an", "-vf", ",".join(steps), "-frames:v", str(frames),
         "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", out])


def frames_in(path):
    done = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of",
                           "csv=p=0", path], capture_output=True, text=True, check=True)
    return int(done.stdout)


def dissolve(out, a, b, n, length):
    """Clip a (n frames) over `length` frames into b."""
    run(["ffmpeg", "-v", "error", "-y", "-i", a, "-i", b, "-filter_complex",
         f"[0][1]xfade=duration={length / FPS}:offset={(n - length) / FPS},format=yuv420p", "-c:v", "libx264", "-preset",
         "ultrafast", "-crf", "8", out])


def make_film(name, clips, height, seconds, gradual):
    """One nearly lossless film, and beside it the truth: [kind, first frame, frame after the last]."""
    folder = os.path.dirname(name)
    r, parts, truth, at, last = random.Random(7), [], [], 0, None
    for k in range(10000):
        if at >= seconds * FPS:
            break
        clip = r.choice([c for c in clips if c != last])
        last = clip
        how = r.choice(["fade", "dissolve"]) if parts and r.random() < gradual else "cut"
        n = r.randint(45, 130)
        room = duration(clip) - n / FPS - 0.2
        start = r.uniform(0, room) if room > 0 else 0
        part = os.path.join(folder, f"part-{height}-{k}.mp4")
        piece(part, clip, start, n, height, how == "fade", False)
        n = frames_in(part)
        before = parts[-1] if parts else None
        if how == "dissolve" and min(frames_in(before), n) > 40:
            length, m = r.randint(10, 28), frames_in(before)
            both = part[:-4] + "-d.mp4"
            dissolve(both, before, part, m, length)
            parts[-1] = both
            truth.append(["dissolve", at - length, at])
            at += frames_in(both) - m
        else:
            if parts:
                truth.append([how, at, at])
            parts.append(part)
            at += n
    with open(name + ".txt", "w") as f:
        f.writelines(f"file '{os.path.abspath(p)}'\n" for p in parts)
    run(["ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", name + ".txt", "-c", "copy", name])
    for p in glob.glob(os.path.join(folder, f"part-{height}-*.mp4")):
        os.remove(p)
    with open(name[:-4] + ".json", "w") as f:
        json.dump(truth, f)


def timed(command):
    t0 = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return round(time.time() - t0, 2), done.stdout


def ours(zoe, path):
    seconds, text = timed([zoe, "data", "scenes", path, "--json"])
    return seconds, [(b["start_s"], b["end_s"]) for b in json.loads(text)["boundaries"]]


def theirs(detector, path):
    seconds, text = timed([sys.executable, "-c", THEIRS, detector, path])
    return seconds, [(float(t), float(t)) for t in text.split()]


def found(truth, reports):
    left, hits, slack = list(reports), 0, 2.01 / FPS
    for _, first, last in truth:
        match = [b for b in left if b[1] >= first / FPS - slack and b[0] <= last / FPS + slack]
        hits += bool(match)
        left = [b for b in left if b not in match]
    return {"found": hits, "of": len(truth), "others": len(left)}


def compare(zoe, path, truth, rounds):
    runs = {name: [] for name in ("zoe", "content", "adaptive")}
    row = {}
    for _ in range(rounds):
        for name in runs:
            seconds, reports = ours(zoe, path) if name == "zoe" else theirs(name, path)
            runs[name].append(seconds)
            row[name] = found(truth, reports)
    for name, seconds in runs.items():
        row[name]["seconds"] = seconds
        row[name]["ratio"] = round(min(seconds) / min(runs["zoe"]), 2)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zoe")
    parser.add_argument("clips")
    parser.add_argument("films")
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--gradual", type=float, default=0.1, help="part of the boundaries that are fades or dissolves")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default=",".join(ENCODINGS))
    parser.add_argument("--make", action="store_true", help="make the films and stop")
    a = parser.parse_args()
    film = os.path.join(a.films, f"film-{a.height}-{a.gradual:g}.mp4")
    if not os.path.exists(film[:-4] + ".json"):
        clips = sorted(c for c in glob.glob(os.path.join(a.clips, "*.*")) if c.endswith((".mp4", ".webm")) and duration(c) > 2.2)
        make_film(film, clips, a.height, a.seconds, a.gradual)
    with open(film[:-4] + ".json") as f:
        truth = json.load(f)
    result = {}
    for name in a.only.split(","):
        path = os.path.join(a.films, f"{name}-{a.height}-{a.gradual:g}.{ENDING.get(name, 'mp4')}")
        if not os.path.exists(path):
            run(["ffmpeg", "-v", "error", "-y", "-i", film, "-an", *ENCODINGS[name], path])
        if not a.make:
            result[name] = compare(a.zoe, path, truth, a.rounds)
            print(name, json.dumps(result[name]), file=sys.stderr, flush=True)
    if not a.make:
        print(json.dumps({"height": a.height, "seconds": a.seconds, "gradual": a.gradual, "films": result}))


if __name__ == "__main__":
    main()

"""Our training and sampling steps against PyTorch's, in turn, each in a process of its own; prints a table and one JSON line.

    python3 bench/pytorch/compare.py path/to/zoe [--only ROW] [--f32] [--rounds N]      (called by ./dev bench --vs-pytorch)

Rows are MODEL/train or MODEL/sample, in bf16 (PyTorch: autocast); in f32 too with --f32, or when --only names such a row. Ours
runs before and after the modes of PyTorch (eager, channels last, torch.compile, both); ratios are of the best time of its best
mode over our best time in the same rounds. Both use every core. The cache of torch.compile is empty at the start and serves all
rounds.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import torch

HERE = pathlib.Path(__file__).resolve().parent
MODELS = ("vdit-S", "unet3d-64", "gan", "vae")
MODES = [[], ["compile"], ["channels_last"], ["channels_last", "compile"]]
NO_CONVOLUTION = {"vdit-S"}                  # channels last means nothing to these: half the modes


def ours(zoe, row):
    t0 = time.time()
    done = subprocess.run([zoe, "bench", "--only", row, "--json"], capture_output=True, text=True, check=True)
    usage = {"wall_s": time.time() - t0}
    rows = {r["name"]: r for r in json.loads(done.stdout)}
    return rows[row] | usage


def theirs(model, kind, mode):
    done = subprocess.run([sys.executable, HERE / "step.py", model, kind, *mode], capture_output=True, text=True)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1:]}
    return json.loads(done.stdout.splitlines()[-1])


def compare(zoe, model, kind, precision, rounds):
    row, other = f"{model}/{kind}/{precision}", {}
    mine = [ours(zoe, row)]
    for _ in range(rounds):
        for mode in MODES[:2] if model in NO_CONVOLUTION else MODES:
            words = mode + (["bf16"] if precision == "bf16" else [])
            other.setdefault(" ".join(words) or "eager", []).append(theirs(model, kind, words))
        mine.append(ours(zoe, row))
    good = {m: [r for r in runs if "ms" in r] for m, runs in other.items()}
    failed = {m: runs[0]["error"] for m, runs in other.items() if "error" in runs[0]}
    good = {m: runs for m, runs in good.items() if runs}
    if not good:
        raise SystemExit(f"{row}: PyTorch failed in every mode: {failed}")
    best = min(good, key=lambda m: min(r["ms"] for r in good[m]))
    ms, fast = min(r["ms"] for r in mine), min(r["ms"] for r in good[best])
    mb, pytorch_mb = max(r["rss_mb"] for r in mine), min(r["peak_mb"] for r in good[best])
    return {"row": row, "ms": ms, "fraction_of_peak": max(r["fraction_of_peak"] for r in mine), "pytorch_ms": fast,
            "pytorch_mode": best, "speed_ratio": fast / ms, "rss_mb": mb, "pytorch_rss_mb": pytorch_mb,
            "memory_ratio": mb / pytorch_mb, "first_step_s": min(r["first_step_s"] for r in mine),
            "pytorch_first_step_s": good[best][0]["first_step_s"],
            "pytorch_all_ms": {m: min(r["ms"] for r in runs) for m, runs in good.items()}, "failed": failed}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zoe")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--f32", action="store_true")
    args = parser.parse_args()
    precisions = ("bf16", "f32") if args.f32 or "f32" in args.only else ("bf16",)
    rows = []
    print(f"{'row':24} {'ms':>8} {'PyTorch':>8} {'ratio':>6}  {'MB':>6} {'PyTorch':>8} {'ratio':>6}  mode of PyTorch")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
        for model, kind, precision in ((m, k, p) for m in MODELS for k in ("train", "sample") for p in precisions):
            if args.only not in f"{model}/{kind}/{precision}":
                continue
            r = compare(args.zoe, model, kind, precision, args.rounds)
            rows.append(r)
            print(f"{r['row']:24} {r['ms']:8.0f} {r['pytorch_ms']:8.0f} {r['speed_ratio']:6.2f}  {r['rss_mb']:6.0f} "
                  f"{r['pytorch_rss_mb']:8.0f} {r['memory_ratio']:6.2f}  {r['pytorch_mode']}", flush=True)
    if not rows:
        parser.error(f"no row is named like '{args.only}'")
    print(json.dumps({"name": "vs-pytorch", "torch": torch.__version__, "threads": os.cpu_count(), "rows": rows}))


main()

"""Our loader against PyTorch's DataLoader over Python's webdataset, on the same shards, in turn; prints one JSON line.

    python3 bench/pytorch/loader.py path/to/zoe DATASET [--rounds N] [--seconds S]      (needs torch, numpy, webdataset)

Both shuffle, cut a random window in time and place, mirror half of the clips and deliver batches of uint8 [B,T,H,W,3] with
captions; both have two workers. Clips need two shards at least, for webdataset deals shards out to its workers.
"""
import argparse
import glob
import json
import random
import subprocess
import time

import numpy
import torch
import webdataset


def ours(zoe, a):
    sizes = ["--batch", str(a.batch), "--frames", str(a.frames), "--height", str(a.side), "--width", str(a.side)]
    done = subprocess.run([zoe, "data", "bench", a.data, "--json", "--seconds", str(a.seconds), "--threads", "2", *sizes],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["clips_per_s"]


class Cut:
    def __init__(self, frames, side):
        self.frames, self.side = frames, side

    def __call__(self, sample):
        clip, caption = sample
        t, y, x = (random.randint(0, clip.shape[i] - n) for i, n in enumerate((self.frames, self.side, self.side)))
        clip = clip[t:t + self.frames, y:y + self.side, x:x + self.side]
        if random.random() < 0.5:
            clip = clip[:, :, ::-1]
        return torch.from_numpy(numpy.ascontiguousarray(clip)), caption


def theirs(a):
    tars = sorted(glob.glob(f"{a.data}/shards/train-*.tar"))
    data = (webdataset.WebDataset(tars, shardshuffle=len(tars)).repeat().shuffle(200).decode().to_tuple("npy", "txt")
            .map(Cut(a.frames, a.side)))
    loader = iter(torch.utils.data.DataLoader(data, batch_size=a.batch, num_workers=2, prefetch_factor=4))
    next(loader)
    t0, clips = time.time(), 0
    while time.time() - t0 < a.seconds:
        batch, _ = next(loader)
        assert batch.shape == (a.batch, a.frames, a.side, a.side, 3) and batch.dtype == torch.uint8
        clips += a.batch
    return clips / (time.time() - t0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zoe")
    parser.add_argument("data")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--side", type=int, default=56)
    a = parser.parse_args()
    runs = [(ours(a.zoe, a), theirs(a)) for _ in range(a.rounds)]
    mine, other = max(r[0] for r in runs), max(r[1] for r in runs)
    print(json.dumps({"batch": a.batch, "frames": a.frames, "side": a.side, "workers": 2, "clips_per_s": round(mine),
                      "pytorch_clips_per_s": round(other), "ratio": round(mine / other, 2), "runs": runs,
                      "torch": torch.__version__, "webdataset": webdataset.__version__}))


if __name__ == "__main__":
    main()

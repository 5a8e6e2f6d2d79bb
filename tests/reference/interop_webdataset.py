"""Python's webdataset opens our shards and our export.

usage: interop_webdataset.py TEST_DATA_EXPORT     (the built test_data_export program; needs the package webdataset)
"""
import glob
import json
import subprocess
import sys
import tempfile

import webdataset

SPLITS = {"train": [0, 1, 2], "val": [3], "test": [4]}


def check_text(sample, i):
    assert sample["__key__"] == f"k{i}", sample["__key__"]
    assert sample["txt"] == f'caption "{i}", \u00e4', sample["txt"]
    assert sample["json"]["labels"] == {"n": i} and sample["json"]["fps"] == 8, sample["json"]


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], check=True)
        for split, clips in SPLITS.items():
            tars = sorted(glob.glob(f"{folder}/set/shards/{split}-*.tar"))
            samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode())
            assert len(samples) == len(clips), (split, len(samples))
            for i, sample in zip(clips, samples):
                check_text(sample, i)
                clip = sample["npy"]
                assert clip.shape == (4, 32, 32, 3) and clip.dtype == "uint8", (clip.shape, clip.dtype)
                for t in range(4):
                    assert (clip[t] == 40 * i + 10 * t + 20).all(), (i, t)
            tars = sorted(glob.glob(f"{folder}/export/{split}-*.tar"))
            samples = list(webdataset.WebDataset(tars, shardshuffle=False))
            assert len(samples) == len(clips), (split, len(samples))
            for i, sample in zip(clips, samples):
                check_text({**sample, "txt": sample["txt"].decode(), "json": json.loads(sample["json"])}, i)
                assert sample["mp4"][4:8] == b"ftyp"
    print("webdataset reads our shards (5 clips with captions and labels, every pixel) and our export (MP4)")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
